// Images to learn numbers and labels from: strokes on grey, and shapes that may all be there.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { type Chance, chanceOf } from './foreign-models.js';

export const side = 16;
export const shapes = ['square', 'cross', 'bar'] as const;

export interface Drawing {
  readonly pixels: Uint8Array;
  /** Mean of the pixels, of 0 to 1. */
  readonly brightness: number;
  readonly strokes: number;
  readonly shown: readonly (typeof shapes)[number][];
}

/** Upright strokes of one pixel, on grey. */
function strokesOn(chance: Chance): Drawing {
  const ground = 20 + chance.below(120);
  const pixels = new Uint8Array(side * side).fill(ground);
  const strokes = chance.below(6);
  const columns = chance.shuffled([1, 3, 5, 7, 9, 11, 13]).slice(0, strokes);
  for (const x of columns) for (let y = 3; y < side - 3; y++) pixels[y * side + x] = 255;
  const brightness = pixels.reduce((sum, v) => sum + v, 0) / pixels.length / 255;
  return { pixels, brightness, strokes, shown: [] };
}

function shapesOn(chance: Chance): Drawing {
  const pixels = Uint8Array.from({ length: side * side }, () => chance.below(60));
  const shown = shapes.filter(() => chance.is(0.5));
  const at = (x: number, y: number) => {
    pixels[y * side + x] = 200 + chance.below(56);
  };
  const corner = () => [1 + chance.below(3), 1 + chance.below(3)] as const;
  for (const shape of shown) {
    const [x, y] = corner();
    for (let i = 0; i < 5; i++) {
      if (shape === 'square') for (const j of [0, 4]) [at(x + i, y + j), at(x + j, y + i)];
      else if (shape === 'cross') [at(x + i + 7, y + i), at(x + 11 - i, y + i)];
      else for (const j of [0, 1]) at(x + i, y + j + 10);
    }
  }
  return { pixels, brightness: 0, strokes: 0, shown };
}

/** Writes images into `name` and tables that list them beside it; the same for a seed. */
export async function writeDrawings(
  folder: string,
  name: string,
  { count, seed, kind }: { readonly count: number; readonly seed: number; readonly kind: 'strokes' | 'shapes' },
): Promise<Drawing[]> {
  const chance = chanceOf(seed);
  const all = Array.from({ length: count }, () => (kind === 'strokes' ? strokesOn(chance) : shapesOn(chance)));
  mkdirSync(join(folder, name), { recursive: true });
  const files = await Promise.all(
    all.map(async ({ pixels }, i) => {
      const file = `${name}/${i}.png`;
      const image = sharp(pixels, { raw: { width: side, height: side, channels: 1 } })
        .toColourspace('b-w')
        .png();
      writeFileSync(join(folder, file), await image.toBuffer());
      return file;
    }),
  );
  const table = (ending: string, header: string, row: (drawing: Drawing) => readonly unknown[]) => {
    const lines = all.map((drawing, i) => [files[i], ...row(drawing)].join(','));
    writeFileSync(join(folder, `${name}${ending}.csv`), `image,${header}\n${lines.join('\n')}\n`);
  };
  if (kind === 'strokes') table('', 'brightness,strokes', ({ brightness, strokes }) => [brightness, strokes]);
  else {
    table('', shapes.join(','), ({ shown }) => shapes.map((shape) => Number(shown.includes(shape))));
    table('-lists', 'labels', ({ shown }) => [shown.join('|')]);
  }
  return all;
}

/** For `--model`: `outputs` numbers of an image. */
export const networkOf = (outputs: number) => `
import { avgPool2d, batchNorm, conv2d, dense, flatten, relu, sequential } from '@bn/core';

export default sequential({
  conv1: conv2d(8, { kernelSize: 3, padding: 1 }), bn1: batchNorm(), relu1: relu(), pool1: avgPool2d(2),
  conv2: conv2d(12, { kernelSize: 3, padding: 1 }), bn2: batchNorm(), relu2: relu(), pool2: avgPool2d(4),
  flatten: flatten(), out: dense(${outputs}),
});
`;
