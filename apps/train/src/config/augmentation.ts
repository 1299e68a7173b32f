// What can be changed in training images, and the sets of it that have names.

import {
  atMost,
  fraction,
  type Kind,
  nameOrSettings,
  notNegative,
  positive,
  type Setting,
  share,
  toggle,
} from '@bn/command-line';

const settings = {
  flip: toggle,
  shift: share,
  rotate: atMost(89, notNegative),
  scale: share,
  brightness: share,
  contrast: share,
  saturation: share,
  erase: fraction,
  mixup: positive,
  cutmix: positive,
} as const satisfies Record<string, Kind<unknown>>;

const names = ['none', 'light', 'standard', 'strong'] as const;
type AugmentationName = (typeof names)[number];
/** A name, or a list of objects of one key. */
export type Augmentation = AugmentationName | readonly Setting<typeof settings>[];

export const augmentation: Kind<Augmentation> = nameOrSettings(names, settings);

const standard = [
  ...[{ flip: true }, { shift: 1 / 10 }, { rotate: 15 }, { scale: 0.2 }],
  ...[{ brightness: 0.3 }, { contrast: 0.3 }, { saturation: 0.3 }, { erase: 0.25 }],
] as const;

const named: Readonly<Record<AugmentationName, readonly Setting<typeof settings>[]>> = {
  none: [],
  light: [{ flip: true }, { shift: 1 / 8 }],
  standard,
  strong: [...standard, { mixup: 0.4 }],
};

/** Bounds by name. */
export type Augments = {
  readonly [K in keyof typeof settings]?: (typeof settings)[K] extends Kind<infer T> ? T : never;
};

export function augmentsOf(augment: Augmentation): Augments {
  return Object.assign({}, ...(typeof augment === 'string' ? named[augment] : augment));
}
