// Fashion-MNIST, read from the files that come with this package.

import { join } from 'node:path';
import { BnError, type Dataset } from '@bn/core';
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
  return loadIdx(
    { images: pathOf(`${part}-images-idx3-ubyte.gz`), labels: pathOf(`${part}-labels-idx1-ubyte.gz`) },
    { classNames: fashionMnistClassNames },
  );
}

/**
 * The path of a file of this package, found as Node finds packages: an address relative to this module would be wrong in a
 * bundle. From the module, or from the working folder, where a bundle came from another machine.
 */
function pathOf(name: string): string {
  // Bundlers would replace an imported `createRequire` with a table of what they have bundled.
  const { createRequire } = process.getBuiltinModule('node:module');
  // A bundle in CommonJS has no `import.meta.url`.
  const here = import.meta.url ?? __filename;
  for (const base of [here, join(process.cwd(), 'index.js')]) {
    try {
      return createRequire(base).resolve(`@bn/fashion-mnist/data/${name}`);
    } catch {
      // Not installed there.
    }
  }
  const problem = `@bn/fashion-mnist is not installed where ${here} is, nor in the working folder ${process.cwd()}`;
  throw new BnError('file', `${problem}; install it there: a bundle has only its code, not its data`);
}
