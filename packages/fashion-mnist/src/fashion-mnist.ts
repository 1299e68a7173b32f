// Fashion-MNIST, read from the files that come with this package.

import { fileURLToPath } from 'node:url';
import type { Dataset } from '@bn/core';
import { loadIdx } from '@bn/datasets';
import { fashionMnistClassNames } from './outline.js';

/**
 * Fashion-MNIST: 60,000 training and 10,000 test images of clothes, uint8 `[1, 28, 28]`, in 10 classes that are equally
 * frequent in either part. Nothing is downloaded.
 *
 * @throws BnError `file` or `data` when the package's files are missing or damaged.
 * @see https://arxiv.org/abs/1708.07747 Xiao, Rasul, Vollgraf: Fashion-MNIST
 */
export async function fashionMnist(): Promise<{ train: Dataset; test: Dataset }> {
  const [train, test] = await Promise.all([load('train'), load('t10k')]);
  return { train, test };
}

function load(part: 'train' | 't10k'): Promise<Dataset> {
  const path = (name: string): string => fileURLToPath(new URL(`../data/${name}`, import.meta.url));
  return loadIdx(
    { images: path(`${part}-images-idx3-ubyte.gz`), labels: path(`${part}-labels-idx1-ubyte.gz`) },
    { classNames: fashionMnistClassNames },
  );
}
