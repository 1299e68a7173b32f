// The defaults for photographs: other networks and other training than for small pictures in grey.

import { resolve } from 'node:path';
import { countPhotographs } from '@bn/command-line';
import { flagOf, type KnobValues } from './knobs.js';

/**
 * Measured on several sets of 300 photographs of four classes. Small batches make many steps of few images, and strong decay keeps a
 * network from learning them by heart; the epochs are so many that small data is seen often and large data is done in time.
 */
const presets = {
  model: 'resnet10',
  augment: 'strong',
  optimizer: 'adamw',
  learningRate: 0.003,
  weightDecay: 0.3,
  schedule: 'cosine',
  batchSize: 16,
} as const satisfies Partial<KnobValues>;

/** Images that are seen in all, where that makes so many epochs. */
const [seen, fewest, most] = [45_000, 10, 150];

/**
 * The defaults that the data decides: those for photographs, which are images in one folder per class, in colour or larger than
 * 32 by 32; none for other data. What goes with a default does not go with another value: rate and decay are adamw's
 * and the network's, and a network in an .onnx file says what it takes.
 */
export async function presetsFor(given: Partial<KnobValues>, cwd: string): Promise<Partial<KnobValues>> {
  const { data, channels, imageSize, model, optimizer, freeze } = given;
  const asked = { grey: channels === '1', side: imageSize ?? null };
  const images = data === undefined ? null : await countPhotographs(resolve(cwd, data), asked);
  if (images === null) return {};
  const { learningRate, weightDecay, augment, ...all } = presets;
  return {
    ...all,
    epochs: Math.min(most, Math.max(fewest, Math.round(seen / images))),
    ...(!model?.endsWith('.onnx') && { augment }),
    ...(optimizer === undefined && model === undefined && freeze !== 'backbone' && { learningRate, weightDecay }),
  };
}

const flags = Object.entries(presets).map(([name, value]) => `${flagOf(name)} ${value}`);

/** For `--help`. */
export const photographNote = `For photographs, which are images in one folder per class, in colour or larger than 32 by 32, the defaults are
${flags.join(' ')}
and as many epochs as show ${seen} images, at least ${fewest} and at most ${most}. With a model or an optimizer of your own or --freeze backbone the
learning rate and the weight decay are those of other data; a model in an .onnx file has no augmentation. config.json says what a run has.`;
