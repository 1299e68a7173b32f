// Test images, with what the network takes them for.

import type { Samples, Snapshot } from './messages.js';

const side = 28;

export class Predictions {
  readonly #list = document.getElementById('predictions')!;
  readonly #samples: Samples;
  readonly #answers: HTMLElement[];

  constructor(samples: Samples) {
    this.#samples = samples;
    this.#answers = samples.labels.map((label, i) => {
      const answer = document.createElement('span');
      answer.className = 'answer';
      const item = document.createElement('li');
      item.append(picture(samples.pixels.subarray(i * side * side, (i + 1) * side * side), label), answer);
      this.#list.append(item);
      return answer;
    });
  }

  show({ predictions }: Snapshot): void {
    predictions.forEach(({ name, probability }, i) => {
      const right = name === this.#samples.labels[i];
      this.#answers[i].dataset.right = String(right);
      this.#answers[i].textContent = `${right ? '✓' : '✗'} ${name} ${Math.round(100 * probability)}\u00a0%`;
    });
  }
}

function picture(pixels: Uint8Array, label: string): HTMLElement {
  const canvas = document.createElement('canvas');
  canvas.width = side;
  canvas.height = side;
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', label);
  const image = new ImageData(side, side);
  pixels.forEach((value, i) => {
    image.data.set([255 - value, 255 - value, 255 - value, 255], 4 * i);
  });
  canvas.getContext('2d')!.putImageData(image, 0, 0);
  const caption = document.createElement('span');
  caption.textContent = label;
  const box = document.createElement('div');
  box.append(canvas, caption);
  return box;
}
