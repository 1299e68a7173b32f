// Ten thousand bad requests: each gets the protocol's error form, and the server is the same after them.

import { connect } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createClient, patience, pixelsAsBytes, pixelsAsJson, type Request, startServer } from './serve-process.js';
import { lightIn, testFolder, whereTheLightIs } from './small-model.js';

type Case = readonly [path: string, request: Request];

const infer = '/v2/models/light/infer';
const seed = 4;

/** Something with some bytes changed, left out, doubled or put in. */
const damaged = (whole: Buffer): fc.Arbitrary<Buffer> =>
  fc
    .array(fc.tuple(fc.nat(whole.length), fc.nat(20), fc.uint8Array({ maxLength: 8 })), { minLength: 1, maxLength: 4 })
    .map((changes) =>
      changes.reduce(
        (bytes, [at, dropped, added]) => Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at + dropped)]),
        whole,
      ),
    );

const text = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'UINT8', 'features', 'NaN', '1e999'));
const anything = fc.jsonValue({ maxDepth: 6, stringUnit: 'binary' });
const maybe = <T>(right: T, wrong: fc.Arbitrary<unknown> = anything) => fc.oneof(fc.constant(right), wrong);

/** JSON of the right form with wrong parts. */
const mistaken = fc
  .record(
    {
      id: maybe('a'),
      parameters: fc.oneof(fc.dictionary(text, anything), anything),
      inputs: maybe(
        [],
        fc.array(
          fc.record(
            {
              name: maybe('features', text),
              shape: maybe([1, 1, 2, 2], fc.array(fc.oneof(fc.integer(), fc.double(), anything), { maxLength: 6 })),
              datatype: maybe('UINT8', text),
              data: maybe([1, 2, 3, 4], fc.array(fc.oneof(fc.integer(), fc.double(), anything), { maxLength: 12 })),
              parameters: fc.dictionary(fc.constantFrom('binary_data_size', '__proto__'), anything),
            },
            { requiredKeys: [] },
          ),
          { maxLength: 3 },
        ),
      ),
      outputs: fc.oneof(anything, fc.array(fc.record({ name: text, parameters: anything }), { maxLength: 3 })),
    },
    { requiredKeys: [] },
  )
  .map((request) => JSON.stringify(request));

const deep = fc
  .tuple(fc.constantFrom('[', '{"a":', '[{"a":['), fc.integer({ min: 40, max: 50_000 }))
  .map(([part, n]) => part.repeat(n));

async function cases(): Promise<fc.Arbitrary<Case>> {
  const json = pixelsAsJson(1, 2, 3, 4);
  const bytes = pixelsAsBytes(1, 2, 3, 4);
  const image = await lightIn(1);
  const post = (body: string | Buffer, headers = {}): Request => ({ method: 'POST', headers, body });
  const to = (path: string, bodies: fc.Arbitrary<string | Buffer>, headers = {}): fc.Arbitrary<Case> =>
    bodies.map((body) => [path, post(body, headers)] as const);
  const form = (bytes: Buffer) =>
    Buffer.concat([
      Buffer.from('--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'),
      bytes,
      Buffer.from('\r\n--b--'),
    ]);
  const method = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS');
  const path = fc.oneof(
    fc.webPath(),
    fc.string().map((name) => `/v2/models/${encodeURIComponent(name)}/infer`),
    fc.constantFrom(
      '/v2/models/%ff/infer',
      '/v2/models/../../etc/passwd',
      '/page/../package.json',
      '/page/%2e%2e%2fmain.js',
      '/v2/models/light/versions/9',
    ),
  );
  return fc.oneof(
    to(infer, damaged(Buffer.from(json.body))),
    to(infer, mistaken),
    to(infer, deep),
    to(
      infer,
      fc.uint8Array({ maxLength: 300 }).map((body) => Buffer.from(body)),
    ),
    fc
      .tuple(
        damaged(bytes.body),
        maybe(
          bytes.headers!['inference-header-content-length']!,
          fc.oneof(fc.integer().map(String), fc.stringMatching(/^[!-~]{1,9}$/)),
        ),
      )
      .map(([body, length]) => [infer, post(body, { 'inference-header-content-length': String(length) })] as const),
    to('/classify', damaged(image)),
    to('/classify', damaged(form(image)), { 'content-type': 'multipart/form-data; boundary=b' }),
    to('/classify', damaged(form(image)), { 'content-type': 'multipart/form-data' }),
    fc
      .tuple(fc.string(), fc.string())
      .map(([model, top]) => [`/classify?${new URLSearchParams({ model, top })}`, post(image)] as const),
    fc
      .tuple(method, path, fc.string())
      .map(([method, path, body]) => [path.startsWith('/') ? path : `/${path}`, { method, body }] as const),
  );
}

it('10,000 bad requests, and the server still answers', async () => {
  const file = join(testFolder({ 'light.onnx': whereTheLightIs() }), 'light.onnx');
  const server = await startServer([file, '--log-level', 'error']);
  const ask = createClient(server.url);
  const requests = fc.sample(await cases(), { seed, numRuns: 10_000 }).entries();
  const statuses = new Map<number, number>();
  const client = async () => {
    for (const [i, [path, request]] of requests) {
      const { status, body } = await ask(path, request);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      const what = `request ${i}, ${request.method} ${path}: ${status} ${body}`;
      expect(status, what).toBeLessThan(500);
      if (status >= 400) expect(JSON.parse(body.toString()), what).toEqual({ error: expect.stringMatching(/./) });
    }
  };
  await Promise.all(Array.from({ length: 32 }, client));
  // Some damage does no harm, or none that shows; most does.
  expect(statuses.get(400)).toBeGreaterThan(5000);
  expect(statuses.get(200) ?? 0).toBeLessThan(2000);
  expect(server.log()).toBe('');
  expect((await ask(infer, pixelsAsJson(1, 2, 3, 4))).status).toBe(200);
  expect(server.process.exitCode).toBeNull();
});

it('what is no HTTP is told so, and closed', async () => {
  const file = join(testFolder({ 'light.onnx': whereTheLightIs() }), 'light.onnx');
  const server = await startServer([file]);
  const { hostname, port } = new URL(server.url);
  const garbage = fc.sample(fc.uint8Array({ minLength: 1, maxLength: 200 }), { seed, numRuns: 500 });
  for (const bytes of [...garbage, Buffer.from(`GET / HTTP/1.1\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`)]) {
    const socket = connect(Number(port), hostname).on('error', () => {});
    let received = '';
    socket.setEncoding('utf8').on('data', (part) => {
      received += part;
    });
    // The end of a request without one: what is no HTTP already is found out at once.
    socket.end(Buffer.concat([bytes, Buffer.from('\r\n\r\n')]));
    await new Promise<void>((resolve, reject) => {
      const none = () => new Error(`no end after ${JSON.stringify(bytes)}; received ${received}; log: ${server.log()}`);
      const timer = setTimeout(() => reject(none()), patience);
      socket.on('close', () => {
        clearTimeout(timer);
        resolve();
      });
    });
    expect(received).toMatch(/^(HTTP\/1\.1 4\d\d .*\{"error":"[^"]+"\})?$/s);
  }
  expect((await createClient(server.url)(infer, pixelsAsJson(1, 2, 3, 4))).status).toBe(200);
});
