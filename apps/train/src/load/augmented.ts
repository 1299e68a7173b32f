// Models whose training images differ a little each time.

import {
  BnError,
  colorJitter,
  cutmix,
  formatSpec,
  type Layer,
  type Model,
  mixup,
  randomAffine,
  randomErasing,
} from '@bn/core';
import { type Augmentation, augmentsOf } from '../config/augmentation.js';

/** In this order, whatever the list's: places first, then light, then what covers, then other images. */
function layersOf(augment: Augmentation): Layer[] {
  const all = augmentsOf(augment);
  const { flip, shift, rotate, scale, brightness, contrast, saturation } = all;
  const layers: Layer[] = [];
  if (flip || shift || rotate || scale) layers.push(randomAffine({ flip, shift, rotate, scale }));
  if (brightness || contrast || saturation) layers.push(colorJitter({ brightness, contrast, saturation }));
  if (all.erase) layers.push(randomErasing({ probability: all.erase }));
  if (all.mixup) layers.push(mixup({ alpha: all.mixup }));
  if (all.cutmix) layers.push(cutmix({ alpha: all.cutmix }));
  return layers;
}

/** The augmentations as one layer; null for none. */
export function augmentationOf(augment: Augmentation): Layer | null {
  const changes = layersOf(augment);
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
    const needed = 'augmentation needs a model that takes float32 [batch, channels, height, width]';
    // It may be the default of photographs.
    throw new BnError('argument', `${needed}, and this one takes ${formatSpec(input)}; give --augment none`);
  }
  return { ...model, network: (x, scope) => network(augmentation(x, scope), scope) };
}
