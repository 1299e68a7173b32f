// The frame of a page that needs nothing else: no network, no scripts, a strict content security policy.

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
}

/** The text of an HTML file. */
export function renderPage({ title, kind, note, main }: Page): string {
  const styleHash = createHash('sha256').update(styleSheet).digest('base64');
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${new Html(styleHash)}'; img-src data:">
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
</body>
</html>
`;
  return page.text;
}
