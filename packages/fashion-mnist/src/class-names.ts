// What the ten classes are called.

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
