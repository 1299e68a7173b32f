// What is known of Fashion-MNIST without its files.

import type { DatasetOutline } from '@bn/core';

/** The ten classes in the order of the labels, named as in Dive into Deep Learning (section 3.5). */
export const fashionMnistClassNames: readonly string[] = [
  't-shirt',
  'trouser',
  'pullover',
  'dress',
  'coat',
  'sandal',
  'shirt',
  'sneaker',
  'bag',
  'ankle boot',
];

/** The training part before it is loaded, e.g. for `trainer.compile`. */
export const fashionMnistOutline: DatasetOutline & { readonly classNames: readonly string[] } = {
  length: 60_000,
  features: { shape: [1, 28, 28], dtype: 'uint8' },
  classNames: fashionMnistClassNames,
};
