// Memory that a large folder of images takes.

import { link, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadBatch } from '@bn/core';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { loadImageFolder } from '../src/index.js';
import { temporaryFolder } from './temporary-folder.js';

test('600 MB of decoded images are loaded and gone through in a third of that, whatever the order', async () => {
  const folder = await temporaryFolder();
  const side = 224;
  for (const name of ['a', 'b']) {
    await mkdir(join(folder, name));
    const noise = { type: 'gaussian' as const, mean: 128, sigma: 30 };
    const jpeg = await sharp({
      create: { width: side, height: side, channels: 3, background: name === 'a' ? 'red' : 'blue', noise },
    })
      .jpeg()
      .toBuffer();
    await writeFile(join(folder, name, '0.jpg'), jpeg);
    for (let i = 1; i < 2000; i++) await link(join(folder, name, '0.jpg'), join(folder, name, `${i}.jpg`));
  }
  const before = process.memoryUsage().rss;
  let most = 0;
  const look = () => {
    most = Math.max(most, process.memoryUsage().rss - before);
  };
  const data = await loadImageFolder(folder, { size: [side, side], onProgress: look });
  for (let start = 0; start < data.length; start += 32) {
    const indices = Array.from({ length: 32 }, (_, i) => ((start + i) * 1237) % data.length);
    const { labels } = await loadBatch(data, indices, { seed: 0, epoch: 0 });
    expect([...labels]).toEqual(indices.map((i) => Number(i >= 2000)));
    look();
  }
  expect(most).toBeLessThan(200e6);
}, 600_000);
