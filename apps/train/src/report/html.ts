// HTML from template strings: whatever is put into one is escaped, unless it is HTML itself.

export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Null and false leave nothing. */
export type HtmlValue = Html | string | number | null | false | readonly HtmlValue[];

/** html`<td title="${name}">${count}</td>`, safe within text and within quoted attributes. */
export function html(strings: TemplateStringsArray, ...values: HtmlValue[]): Html {
  return new Html(strings.reduce((text, part, i) => text + textOf(values[i - 1] ?? null) + part));
}

function textOf(value: HtmlValue): string {
  if (value === null || value === false) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'object') return value.map(textOf).join('');
  return escapeMarkup(String(value));
}

/** For text and quoted attributes of HTML and XML, whose forbidden control characters are left out. */
export function escapeMarkup(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '')
      .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
  );
}
