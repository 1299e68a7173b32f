// The frame of a page that needs nothing else: no network, a strict content security policy, and no scripts but those of the dashboard.

import { createHash } from 'node:crypto';
import { Html, html } from './html.js';
import { styleSheet } from './style-sheet.js';

export interface Page {
  readonly title: string;
  /** What kind of page this is, above the title. */
  readonly kind: string;
  /** Beneath the title. */
  readonly note: string;
  readonly main: Html;
  /** A program that may ask where the page is from. */
  readonly script?: string;
}

/** The text of an HTML file. */
export function renderPage({ title, kind, note, main, script }: Page): string {
  const hash = (text: string) => new Html(createHash('sha256').update(text).digest('base64'));
  const scripts = script === undefined ? null : html`; script-src 'sha256-${hash(script)}'; connect-src 'self'`;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${hash(styleSheet)}'; img-src data:${scripts}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${new Html(styleSheet)}</style>
</head>
<body>
<header>
<p class="eyebrow">${kind}</p>
<h1>${title}</h1>
<p class="muted">${note}</p>
</header>
<main>
${main}
</main>
${script !== undefined && html`<script>${new Html(script)}</script>`}
</body>
</html>
`;
  return page.text;
}
