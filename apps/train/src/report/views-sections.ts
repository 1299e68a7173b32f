// Pictures of what the network sees: where it looks on test images, and augmented training images.

import type { Views } from '../run-record.js';
import { type Html, html } from './html.js';
import { heated, inColour, sheetUrl } from './png.js';

/** Null without any. */
export function activationsSection(activations: Views['activations']): Html | null {
  const [first] = activations;
  if (!first) return null;
  const item = ({ index, picture, map, actual, answer }: Views['activations'][number]) => {
    const alt = `test image ${index}, and beside it where the network looks for ${answer}`;
    return html`<li><img src="${sheetUrl([inColour(picture), heated(picture, map)], 2, 1)}" alt="${alt}">
<span class="actual">${actual}</span>${answer !== actual && html`<span class="predicted">${answer}</span>`}</li>\n`;
  };
  return html`<section><h2>Where the network looks</h2>
<p class="note">Test images, and how much each part of them speaks for the network's answer: class activations (Grad-CAM) at
the output of ${first.layer}, from the picture's own grey for nothing to red and yellow for the most.</p>
<ul class="images pairs-of-images">${activations.map(item)}</ul></section>`;
}

/** Null without augmentation. */
export function seenSection(seen: Views['seen']): Html | null {
  const [first] = seen;
  if (!first) return null;
  const columns = 1 + first.seen.length;
  const alt = `${seen.length} training images, and beside each what augmentation makes of it`;
  const url = sheetUrl(
    seen.flatMap(({ original, seen }) => [original, ...seen]),
    columns,
    1,
  );
  return html`<section><h2>What the network sees</h2>
<p class="note">Training images in the first column, and beside each what the training's graph makes of it in the first
${first.seen.length} steps.</p>
<img class="sheet" src="${url}" alt="${alt}"></section>`;
}
