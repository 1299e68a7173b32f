import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fetchIdx } from '../src/browser.js';
import { allOf } from './all-of.js';

const images = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4);
const labels = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 1, 0);

let server: Server;
let address: string;
beforeAll(async () => {
  const files = new Map<string, Uint8Array>([
    ['/images', images],
    ['/labels', labels],
    ['/images.gz', gzipSync(images)],
    ['/encoded', gzipSync(images)],
    ['/damaged', gzipSync(images).subarray(0, 20)],
  ]);
  server = createServer(({ url }, response) => {
    const file = files.get(url!);
    // As many servers say of files that end in .gz: browsers then unpack them.
    if (url === '/encoded') response.setHeader('content-encoding', 'gzip');
    response.writeHead(file ? 200 : 404).end(file);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

test.each(['images', 'images.gz', 'encoded'])('plain, gzipped, and unpacked on the way: %s', async (name) => {
  const dataset = await fetchIdx(
    { images: `${address}/${name}`, labels: `${address}/labels` },
    { classNames: ['left', 'right'] },
  );
  expect(dataset.features).toEqual({ shape: [1, 1, 2], dtype: 'uint8' });
  expect(dataset.classNames).toEqual(['left', 'right']);
  expect(allOf(dataset)).toEqual({ features: [1, 2, 3, 4], labels: [1, 0] });
});

test.each([
  ['missing', 'file', /\/missing cannot be fetched: status 404; give the address of an IDX file$/],
  ['damaged', 'data', /\/damaged: the gzip data is damaged or cut off; download or copy it again$/],
  ['labels', 'data', /expected images \[count, height, width\] and labels \[count\], got \[2\] in .+\/labels and/],
])('refuses what is %s', async (name, code, message) => {
  const fetching = fetchIdx({ images: `${address}/${name}`, labels: `${address}/labels` });
  await expect(fetching).rejects.toMatchObject({ name: 'BnError', code, message: expect.stringMatching(message) });
});

test('says when a server cannot be reached', async () => {
  const fetching = fetchIdx({ images: 'http://127.0.0.1:1/images', labels: `${address}/labels` });
  await expect(fetching).rejects.toMatchObject({
    name: 'BnError',
    code: 'file',
    message: expect.stringMatching(/^http:\/\/127\.0\.0\.1:1\/images cannot be fetched \(.+\); check the address$/),
  });
});
