// Models whose training images differ a little each time.

import { BnError, colorJitter, formatSpec, type Layer, type Model, randomAffine, randomErasing } from '@bn/core';
import type { RunConfig } from '../config/settings.js';

export type Augmentation = RunConfig['augment'];

const layers: Readonly<Record<Augmentation, () => Layer[]>> = {
  none: () => [],
  light: () => [randomAffine({ flip: true, shift: 1 / 8 })],
  standard: () => [
    randomAffine({ flip: true, shift: 1 / 10, rotate: 15, scale: 0.2 }),
    colorJitter({ brightness: 0.3, contrast: 0.3, saturation: 0.3 }),
    randomErasing({ probability: 0.25 }),
  ],
};

/** The augmentations as one layer; null for none. */
export function augmentationOf(augment: Augmentation): Layer | null {
  const changes = layers[augment]();
  return changes.length === 0 ? null : (x, scope) => changes.reduce((image, change) => change(image, scope), x);
}

/**
 * The model with augmentations before its network, which are there in training alone.
 *
 * @throws BnError `argument` if its input is no float32 image
 */
export function augmented(model: Model, augment: Augmentation): Model {
  const { network, input } = model;
  const augmentation = augmentationOf(augment);
  if (!augmentation) return model;
  if (input.shape.length !== 4 || input.dtype !== 'float32') {
    const problem = `--augment ${augment} needs a model that takes float32 [batch, channels, height, width]`;
    throw new BnError('argument', `${problem}, and this one takes ${formatSpec(input)}; leave it out`);
  }
  return { ...model, network: (x, scope) => network(augmentation(x, scope), scope) };
}
