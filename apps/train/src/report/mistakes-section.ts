// Images of the test data that the trained network gets wrong.

import { encode } from 'fast-png';
import type { Mistake } from '../run-record.js';
import { type Html, html } from './html.js';

const mostImages = 24;

/** Null if there are none, or if the data are no images. Values are never quite right: the worst ones are shown. */
export function mistakesSection(examples: readonly Mistake[], areValues = false): Html | null {
  const images = examples.filter(({ shape }) => shape.length === 3 && (shape[0] === 1 || shape[0] === 3));
  if (images.length === 0) return null;
  const [title, which] = areValues
    ? ['Largest errors', 'whose values the network misses by the most']
    : ['Mistakes', 'that the network gets wrong'];
  const item = (example: Mistake) =>
    html`<li><img src="${pngDataUrl(example)}" alt="test image ${example.index}" title="test image ${example.index}">
<span class="actual">${example.actual}</span><span class="predicted">${example.answer}</span></li>\n`;
  return html`<section><h2>${title}</h2>
<p class="note">Test images ${which}: what is true, and beneath it what the network says.</p>
<ul class="images">${images.slice(0, mostImages).map(item)}</ul></section>`;
}

/** Grey or RGB, from `[channels, height, width]`. Real numbers are stretched to what an image can show. */
function pngDataUrl({ features, shape }: Mistake): string {
  const [channels, height, width] = shape as readonly [1 | 3, number, number];
  const pixels = features instanceof Uint8Array ? features : stretch(features);
  const data = new Uint8Array(pixels.length);
  for (let at = 0; at < height * width; at++) {
    for (let channel = 0; channel < channels; channel++) {
      data[at * channels + channel] = pixels[channel * height * width + at]!;
    }
  }
  return `data:image/png;base64,${Buffer.from(encode({ width, height, channels, data })).toString('base64')}`;
}

/** From 0..1 to 0..255; from a wider range, e.g. of standardized pixels, where there is one. */
function stretch(values: Float32Array): Uint8Array {
  const least = values.reduce((a, b) => Math.min(a, b), 0);
  const greatest = values.reduce((a, b) => Math.max(a, b), 1);
  return Uint8Array.from(values, (value) => Math.round((255 * (value - least)) / (greatest - least)));
}
