// Augmentations against formulas written out by pixel, with given random numbers.

import { expect, test } from 'vitest';
import { betaQuantiles } from '../src/augment/mixed-batch.js';
import {
  classification,
  colorJitter,
  cutmix,
  dense,
  flatten,
  input,
  type Layer,
  mixup,
  randomAffine,
  randomErasing,
  sequential,
  sgd,
  trainingStepGraph,
} from '../src/index.js';
import { defineModel, trace } from '../src/model.js';
import { evaluate } from './evaluate.js';

const [height, width] = [6, 8];

type Picture = readonly (readonly (readonly number[])[])[];

/** What a layer makes of one picture [channels][height][width] in training, with the random numbers that it draws. */
async function augmented(layer: Layer, picture: Picture, draws: readonly number[]): Promise<number[][][]> {
  const channels = picture.length;
  const x = input('features', [1, channels, height, width]);
  const model = defineModel(layer, { input: { shape: [null, channels, height, width], dtype: 'float32' } });
  const { output } = trace(model, x, { training: true });
  const { y } = await evaluate({ y: output }, { features: picture.flat(2), 'random.0': draws });
  const values = [...y!];
  return picture.map((rows) => rows.map((row) => values.splice(0, row.length)));
}

/** 0 to 1, none like another. */
function pictureOf(channels: number): number[][][] {
  const value = (c: number, i: number, j: number) => ((37 * (c * 48 + i * 8 + j) + 11) % 101) / 101;
  return Array.from({ length: channels }, (_, c) =>
    Array.from({ length: height }, (_, i) => Array.from({ length: width }, (_, j) => value(c, i, j))),
  );
}

function expectNear(actual: Picture, expected: Picture): void {
  const flat = expected.flat(2);
  const worst = Math.max(...actual.flat(2).map((value, i) => Math.abs(value - flat[i]!)));
  expect(worst).toBeLessThan(1e-9);
}

test('a picture is mirrored by the toss of a coin, and else as it was', async () => {
  const layer = randomAffine({ flip: true });
  const picture = pictureOf(2);
  expectNear(await augmented(layer, picture, [0.1, 0.9, 0.2, 0.8, 0.6]), picture);
  const mirrored = picture.map((rows) => rows.map((row) => [...row].reverse()));
  expectNear(await augmented(layer, picture, [0.1, 0.9, 0.2, 0.8, 0.4]), mirrored);
});

test('a picture that moves keeps its pixels, and repeats those of the border', async () => {
  const picture = pictureOf(1);
  const moved = await augmented(randomAffine({ shift: 0.5 }), picture, [0.5, 0.5, 0.5 - 2 / 6, 0.75, 0.5]);
  const row = (i: number) => picture[0]![Math.min(i + 2, height - 1)]!;
  const expected = [...Array(height).keys()].map((i) =>
    [...Array(width).keys()].map((j) => row(i)[Math.max(j - 2, 0)]!),
  );
  expectNear(moved, [expected]);
});

test('turned, scaled, moved and mirrored at once: each pixel is where the inverse map says, between its neighbours', async () => {
  const picture = pictureOf(3);
  const draws = [0.9, 0.2, 0.7, 0.1, 0.3];
  const [rotate, shift, scale] = [40, 0.2, 0.3];
  const around0 = (u: number, most: number) => (u - 0.5) * 2 * most;
  const angle = 2 * Math.atan(around0(draws[0]!, Math.tan((rotate * Math.PI) / 360)));
  const factor = 1 + around0(draws[1]!, scale);
  const expected = picture.map((rows) =>
    rows.map((row, i) =>
      row.map((_, j) => {
        const y = i - (height - 1) / 2 - around0(draws[2]!, shift * height);
        const x = -(j - (width - 1) / 2 - around0(draws[3]!, shift * width));
        const clamp = (z: number, size: number) => Math.min(Math.max(z, 0), size - 1);
        const fromY = clamp((Math.cos(angle) * y - Math.sin(angle) * x) / factor + (height - 1) / 2, height);
        const fromX = clamp((Math.sin(angle) * y + Math.cos(angle) * x) / factor + (width - 1) / 2, width);
        const at = (i: number, j: number) => rows[Math.min(i, height - 1)]![Math.min(j, width - 1)]!;
        const [top, left] = [Math.floor(fromY), Math.floor(fromX)];
        const [down, right] = [fromY - top, fromX - left];
        const above = at(top, left) * (1 - right) + at(top, left + 1) * right;
        const below = at(top + 1, left) * (1 - right) + at(top + 1, left + 1) * right;
        return above * (1 - down) + below * down;
      }),
    ),
  );
  expectNear(await augmented(randomAffine({ rotate, shift, scale, flip: true }), picture, draws), expected);
});

test('light, contrast and saturation are changed in this order, within 0 to 1', async () => {
  const picture = pictureOf(3);
  const [bright, contrast, colourful] = [1.4, 0.6, 1.3];
  const inside = (x: number) => Math.min(Math.max(x, 0), 1);
  const lit = picture.map((rows) => rows.map((row) => row.map((x) => inside(x * bright))));
  const grey = (all: Picture, i: number, j: number) =>
    0.299 * all[0]![i]![j]! + 0.587 * all[1]![i]![j]! + 0.114 * all[2]![i]![j]!;
  const all = lit[0]!.flatMap((row, i) => row.map((_, j) => grey(lit, i, j)));
  const mean = all.reduce((a, b) => a + b) / all.length;
  const flat = lit.map((rows) => rows.map((row) => row.map((x) => inside(mean + (x - mean) * contrast))));
  const expected = flat.map((rows) =>
    rows.map((row, i) => row.map((x, j) => inside(grey(flat, i, j) + (x - grey(flat, i, j)) * colourful))),
  );
  const layer = colorJitter({ brightness: 0.5, contrast: 0.5, saturation: 0.5 });
  expectNear(await augmented(layer, picture, [0.9, 0.1, 0.8]), expected);
});

test('a rectangle is covered by one grey, if the picture is chosen', async () => {
  const picture = pictureOf(2);
  expectNear(await augmented(randomErasing({ probability: 0.4 }), picture, [0.5, 0.9, 0.5, 0.9, 0.5, 0.2]), picture);
  // 0.4 of 6 rows around row 2.5, 0.5 of 8 columns around column 3.5: what is less than 1.2 and 2 away.
  const covered = await augmented(randomErasing({ probability: 0.4 }), picture, [0.3, 0.75, 0.5, 1, 0.5, 0.2]);
  const expected = picture.map((rows) =>
    rows.map((row, i) => row.map((x, j) => (Math.abs(i - 2.5) < 1.2 && Math.abs(j - 3.5) < 2 ? 0.2 : x))),
  );
  expectNear(covered, expected);
});

test('in prediction they are not there', () => {
  const x = input('features', [null, 3, 4, 4]);
  const layers = [randomAffine({ rotate: 20, flip: true }), colorJitter({ contrast: 0.5 }), randomErasing()];
  for (const layer of [...layers, mixup(), cutmix()]) {
    expect(trace(defineModel(layer, { input: x }), x).output).toBe(x);
  }
});

test.each([
  [
    'a turn of 90 degrees',
    () => randomAffine({ rotate: 90 }),
    /randomAffine: rotate must be from 0 to below 90, got 90/,
  ],
  ['an option that is not there', () => randomAffine({ angle: 3 } as object), /no option 'angle'/],
  ['a negative factor', () => colorJitter({ contrast: 1 }), /colorJitter: contrast must be from 0 to below 1/],
  ['an alpha of 0', () => mixup({ alpha: 0 }), /mixup: alpha must be above 0, got 0/],
  ['a probability above 1', () => randomErasing({ probability: 2 }), /probability must be from 0 to 1, got 2/],
])('%s is refused', (_, make, message) => {
  expect(make).toThrow(message);
});

test('what is no picture is refused', () => {
  const model = defineModel(colorJitter(), { input: { shape: [null, 5], dtype: 'float32' } });
  expect(() => trace(model, input('features', [2, 5]), { training: true })).toThrow(
    /expected pictures float32 \[batch/,
  );
});

test('the shares of mixed batches are distributed as Beta(alpha, alpha)', () => {
  const at = Array.from({ length: 129 }, (_, k) => k / 128);
  const closeTo = (alpha: number, quantile: (u: number) => number, digits: number) => {
    const quantiles = betaQuantiles(alpha, 128);
    for (const [k, u] of at.entries()) expect(quantiles[k]).toBeCloseTo(quantile(u), digits);
  };
  closeTo(1, (u) => u, 9);
  closeTo(0.5, (u) => Math.sin((Math.PI * u) / 2) ** 2, 6);
  // 3x² − 2x³ = u
  closeTo(2, (u) => 0.5 - Math.sin(Math.asin(1 - 2 * u) / 3), 6);
});

/** Loss, right answers and pictures of a training step on three pictures of one channel, mixed by the layer. */
async function mixedStep(layer: Layer, draws: readonly number[]) {
  let mixed: ReturnType<Layer> | undefined;
  const network: Layer = (x, scope) => {
    mixed = layer(x, scope);
    return sequential({ flatten: flatten(), out: dense(3) })(mixed, scope);
  };
  const model = defineModel(network, { input: { shape: [null, 1, height, width], dtype: 'float32' } });
  const spec = {
    features: { shape: [3, 1, height, width], dtype: 'float32' },
    labels: { shape: [3], dtype: 'int32' },
  } as const;
  const graph = trainingStepGraph(model, classification(), sgd(), spec);
  const pictures = pictureOf(3);
  const weight = Array.from({ length: 3 * height * width }, (_, i) => ((i * 29) % 17) / 17 - 0.5);
  const { loss, right, y } = await evaluate(
    { loss: graph.outputs.get('loss')!, right: graph.outputs.get('sum:accuracy')!, y: mixed! },
    {
      ...{
        features: pictures.flat(2),
        labels: [0, 2, 1],
        'random.0': draws,
        'out.weight': weight,
        'out.bias': [0, 0, 0],
      },
    },
  );
  return { loss: loss![0]!, right: right![0]!, mixed: y!, pictures: pictures.map((rows) => rows.flat()), weight };
}

/** Mean loss and number of right answers by hand. */
function judged(pictures: readonly (readonly number[])[], weight: readonly number[], labels: readonly number[]) {
  const each = pictures.map((picture, i) => {
    const logits = [0, 1, 2].map((c) => picture.reduce((sum, x, j) => sum + x * weight[c * height * width + j]!, 0));
    const total = Math.log(logits.reduce((sum, z) => sum + Math.exp(z), 0));
    return { loss: total - logits[labels[i]!]!, right: Number(logits.indexOf(Math.max(...logits)) === labels[i]) };
  });
  return {
    loss: each.reduce((sum, { loss }) => sum + loss / 3, 0),
    right: each.reduce((sum, { right }) => sum + right, 0),
  };
}

test('mixup adds a share of the neighbour, and its label counts by that share', async () => {
  const share = 0.75;
  const { loss, right, mixed, pictures, weight } = await mixedStep(mixup({ alpha: 1 }), [share]);
  const expected = pictures.map((picture, i) =>
    picture.map((x, j) => share * x + (1 - share) * pictures[(i + 2) % 3]![j]!),
  );
  expectNear([[mixed]], [[expected.flat()]]);
  const [own, other] = [
    [0, 2, 1],
    [1, 0, 2],
  ].map((labels) => judged(expected, weight, labels));
  expect(loss).toBeCloseTo(share * own!.loss + (1 - share) * other!.loss, 9);
  expect(right).toBeCloseTo(share * own!.right + (1 - share) * other!.right, 9);
});

test('cutmix puts a box of the neighbour in, and its label counts by the area', async () => {
  // A share of 0.75 gives a box of half of each side; around row 3 and column 4: rows 2 to 3, columns 2 to 5.
  const { loss, mixed, pictures, weight } = await mixedStep(cutmix(), [0.75, 0.5, 0.5]);
  const isInside = (j: number) => Math.abs(Math.floor(j / width) - 2.5) < 1.5 && Math.abs((j % width) - 3.5) < 2;
  const expected = pictures.map((picture, i) => picture.map((x, j) => (isInside(j) ? pictures[(i + 2) % 3]![j]! : x)));
  expectNear([[mixed]], [[expected.flat()]]);
  const share = 1 - pictures[0]!.filter((_, j) => isInside(j)).length / (height * width);
  const [own, other] = [
    [0, 2, 1],
    [1, 0, 2],
  ].map((labels) => judged(expected, weight, labels));
  expect(loss).toBeCloseTo(share * own!.loss + (1 - share) * other!.loss, 9);
});

test('a batch is mixed once', () => {
  const model = defineModel(sequential({ a: mixup(), b: cutmix() }), {
    input: { shape: [null, 1, 4, 4], dtype: 'float32' },
  });
  expect(() => trace(model, input('features', [2, 1, 4, 4]), { training: true })).toThrow(/cutmix: the batch is mixed/);
});
