// Images of the test data that the trained network gets wrong.

import type { Mistake } from '../run-record.js';
import { type Html, html } from './html.js';
import { isPicture } from './picture.js';
import { pngUrl } from './png.js';

const mostImages = 24;

/** Null if there are none, or if the data are no images. Values are never quite right: the worst ones are shown. */
export function mistakesSection(examples: readonly Mistake[], areValues = false): Html | null {
  const images = examples.filter(({ shape }) => isPicture(shape));
  if (images.length === 0) return null;
  const [title, which] = areValues
    ? ['Largest errors', 'whose values the network misses by the most']
    : ['Mistakes', 'that the network gets wrong'];
  const confident = images.some(({ confidence }) => confidence !== undefined);
  const item = (example: Mistake) =>
    html`<li><img src="${pngUrl(example)}" alt="test image ${example.index}" title="test image ${example.index}">
<span class="actual">${example.actual}</span><span class="predicted">${example.answer}${
      example.confidence !== undefined && html` <span class="muted">${(100 * example.confidence).toFixed(0)} %</span>`
    }</span></li>\n`;
  return html`<section><h2>${title}</h2>
<p class="note">Test images ${which}: what is true, and beneath it what the network says.${
    confident && ' Those of which it is the surest come first.'
  }</p>
<ul class="images">${images.slice(0, mostImages).map(item)}</ul></section>`;
}
