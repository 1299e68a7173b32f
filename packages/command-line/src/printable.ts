// Text that is safe and fits where it is shown.

/** Text from outside (names of files, messages of libraries) without what could steer a terminal. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
}

/** Breaks lines between words so that they fit `width` columns; those that fit stay as they are. */
export function wrapWords(text: string, width: number): string {
  const part = new RegExp(`(.{1,${width}})(?: +|$)`, 'g');
  const lines = text.split('\n').map((line) => (line.length > width ? line.replace(part, '$1\n').trimEnd() : line));
  return lines.join('\n');
}
