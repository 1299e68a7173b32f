// The routes, with a model that needs no backend: what each answers, and with which status.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import { BnError, decodeSignature } from '@bn/core';
import { Validator } from '@seriousme/openapi-schema-validator';
import sharp from 'sharp';
import { afterEach, describe, expect, it } from 'vitest';
import { Budget } from '../src/serve/http/budget.js';
import { createApp } from '../src/serve/http/create-app.js';
import { HttpError } from '../src/serve/http-error.js';
import type { ServedModel } from '../src/serve/models/served-model.js';
import { WorkerDied } from '../src/serve/workers/worker-thread.js';
import { appOptions, model, type Overrides } from './shade-of-grey.js';

const inference = { inputs: [{ name: 'x', shape: [1, 2, 2], datatype: 'UINT8', data: [51, 0, 0, 0] }] };
const valid = { inputs: [{ ...inference.inputs[0], shape: [1, 1, 2, 2] }] };
const infer = '/v2/models/shade%20of%20grey/infer';

const closers: (() => Promise<void>)[] = [];
afterEach(() => Promise.all(closers.splice(0).map((close) => close())));

async function setUp(overrides: Overrides = {}) {
  const lines: string[] = [];
  const app = await createApp(appOptions(overrides, (line) => lines.push(line)));
  closers.push(() => app.close());
  return {
    app,
    lines,
    post: (url: string, payload: string | Buffer, headers = {}) =>
      app.inject({ method: 'POST', url, payload, headers }),
  };
}

it('tells that it lives, what it is, and what it serves', async () => {
  const { app } = await setUp();
  const get = async (url: string) => (await app.inject(url)).json();
  expect(await get('/v2/health/live')).toEqual({ live: true });
  expect(await get('/v2/health/ready')).toEqual({ ready: true });
  expect(await get('/v2/')).toMatchObject({
    name: 'bn',
    extensions: expect.arrayContaining(['binary_tensor_data', 'statistics']),
  });
  expect(await get('/v2/models')).toEqual({ models: ['shade of grey'] });
  expect(await get('/v2/models/shade%20of%20grey/ready')).toEqual({ name: 'shade of grey', ready: true });
  for (const path of ['', '/versions/7']) {
    expect(await get(`/v2/models/shade%20of%20grey${path}`)).toMatchObject({ name: 'shade of grey', versions: ['7'] });
  }
});

it('describes itself in valid OpenAPI, with a name for each operation', async () => {
  for (const apiKey of [null, 'k']) {
    const { app } = await setUp({ apiKey });
    const document = (await app.inject({ url: '/openapi.json', headers: { 'x-api-key': 'k' } })).json();
    expect(await new Validator().validate(document)).toEqual({ valid: true });
    const operations = Object.values<Record<string, { operationId: string }>>(document.paths).flatMap(Object.values);
    const names = operations.map(({ operationId }) => operationId);
    expect(names).toContain('postV2ModelsNameVersionsVersionInfer');
    expect(names.filter((name) => !/^[a-z]\w+$/.test(name))).toEqual([]);
    expect(new Set(names).size).toBe(operations.length);
  }
});

it('takes names as long as files have them', async () => {
  const name = 'x'.repeat(255);
  const { app } = await setUp({ served: [{ ...model, name }] });
  expect((await app.inject(`/v2/models/${name}`)).json()).toMatchObject({ name });
});

it('is not ready without a worker, nor while it is stopping, when connections are to be closed', async () => {
  const [without, stopping] = await Promise.all([setUp({ isReady: () => false }), setUp({ isDraining: () => true })]);
  for (const { app } of [without, stopping]) expect((await app.inject('/v2/health/ready')).statusCode).toBe(503);
  expect((await without.app.inject('/v2/models/shade%20of%20grey/ready')).statusCode).toBe(503);
  const answer = await stopping.post(infer, JSON.stringify(valid));
  expect([answer.statusCode, answer.headers.connection]).toEqual([200, 'close']);
});

it('does not live when it gets no worker', async () => {
  const { app } = await setUp({ isLive: () => false });
  const { statusCode, body } = await app.inject('/v2/health/live');
  expect([statusCode, body]).toEqual([503, '{"live":false}']);
});

it('infers, whatever content type a client claims, and counts', async () => {
  const { app } = await setUp();
  const address = await app.listen({ port: 0, host: '127.0.0.1' });
  const post = (body: object, type: string) =>
    fetch(address + infer, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': type } });
  for (const type of ['application/json', 'application/x-www-form-urlencoded', 'text/plain']) {
    const answer = await (await post({ ...valid, id: 'a' }, type)).json();
    expect(answer).toMatchObject({ model_name: 'shade of grey', id: 'a', outputs: [{ shape: [1, 2] }] });
  }
  await (await post({}, 'application/json')).text();
  const metrics = await (await fetch(`${address}/metrics`)).text();
  expect(metrics).toContain('bn_requests_total{model="shade of grey",status="200"} 3');
  expect(metrics).toContain('bn_requests_total{model="shade of grey",status="400"} 1');
  expect(metrics).toContain('process_cpu_seconds_total');
});

type Post = Awaited<ReturnType<typeof setUp>>['post'];

function postForm(post: Post, url: string, files: Readonly<Record<string, Buffer>>) {
  const parts = Object.entries(files).flatMap(([name, bytes]) => [
    Buffer.from(`--b\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n\r\n`),
    bytes,
    Buffer.from('\r\n'),
  ]);
  const form = Buffer.concat([...parts, Buffer.from('--b--\r\n')]);
  return post(url, form, { 'content-type': 'multipart/form-data; boundary=b' });
}

describe('classifies an image', () => {
  const png = sharp({ create: { width: 8, height: 8, channels: 3, background: { r: 51, g: 51, b: 51 } } })
    .png()
    .toBuffer();
  const classes = [
    { class: 'dark', index: 1, probability: 0.8 },
    { class: 'light', index: 0, probability: 0.2 },
  ];

  it('as the body, or as a file of a form', async () => {
    const { post } = await setUp();
    expect((await post('/classify', await png)).json()).toEqual({ model: 'shade of grey', classes });
    const answer = await postForm(post, '/classify?top=1', { 'f.png': await png });
    expect(answer.json()).toEqual({ model: 'shade of grey', classes: classes.slice(0, 1) });
  });

  it('as an element of the protocol, in base64 or bytes', async () => {
    const { post } = await setUp();
    const input = { name: 'x', shape: [2], datatype: 'BYTES' };
    const send = async (request: object, bytes = Buffer.alloc(0)) => {
      const json = Buffer.from(JSON.stringify({ inputs: [request] }));
      const headers = { 'inference-header-content-length': String(json.length) };
      const { statusCode, body } = await post(infer, Buffer.concat([json, bytes]), headers);
      return [
        statusCode,
        JSON.parse(body).outputs?.[0].data.map((x: number) => x.toFixed(1)) ?? JSON.parse(body).error,
      ];
    };
    const image = await png;
    const data = [image.toString('base64'), image.toString('base64')];
    expect(await send({ ...input, data })).toEqual([200, ['0.2', '0.8', '0.2', '0.8']]);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(image.length);
    const bytes = Buffer.concat([length, image, length, image]);
    const binary = { ...input, parameters: { binary_data_size: bytes.length } };
    expect(await send(binary, bytes)).toEqual([200, ['0.2', '0.8', '0.2', '0.8']]);
    expect(await send({ ...input, data: [data[0], 'aGVsbG8='] })).toEqual([
      400,
      expect.stringMatching(/^element 1: .*expected a PNG/),
    ]);
  });

  it('each file of a form with several, in order', async () => {
    const { post } = await setUp();
    const white = sharp({ create: { width: 2, height: 2, channels: 3, background: '#fff' } }).png();
    const light = { class: 'light', index: 0, probability: 1 };
    const answer = await postForm(post, '/classify?top=1', { 'a.png': await png, 'b.png': await white.toBuffer() });
    expect(answer.json()).toEqual({
      model: 'shade of grey',
      images: [
        { file: 'a.png', classes: [classes[0]] },
        { file: 'b.png', classes: [light] },
      ],
    });
  });

  it('refuses a form by the file that is wrong, with too many files, or too large together', async () => {
    const { post } = await setUp();
    const refused = async (files: Record<string, Buffer>) => {
      const { statusCode, body } = await postForm(post, '/classify', files);
      return `${statusCode} ${JSON.parse(body).error}`;
    };
    const many = async (count: number, bytes: Buffer) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`${i}.png`, bytes]));
    expect(await refused({ a: await png, b: Buffer.from('hello') })).toMatch(/^400 file 2 \('b'\): .*expected a PNG/);
    expect(await refused({ a: await png, b: Buffer.from('') })).toMatch(/^400 file 2 \('b'\): .*got nothing/);
    expect(await refused(await many(33, await png))).toMatch(/^413 a form may have 32 files/);
    expect(await refused(await many(3, Buffer.alloc(4000)))).toMatch(/^413 the request is too large/);
  });

  it('refuses images that take more to decode than all may take together, and takes the next', async () => {
    const { post } = await setUp({ maxBody: 1e6, timeout: 60_000 });
    // 300 MiB: held as a whole, three times.
    const large = await sharp({ create: { width: 7000, height: 5000, channels: 3, background: '#333' } })
      .png({ progressive: true })
      .toBuffer();
    const answers = await Promise.all([large, large, large, large].map((bytes) => post('/classify?top=1', bytes)));
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([200, 200, 503, 503]);
    expect(answers.find(({ statusCode }) => statusCode === 503)!.headers['retry-after']).toBe('1');
    expect((await post('/classify', await png)).statusCode).toBe(200);
    expect((await post('/classify', large)).statusCode).toBe(200);
    const hasty = await setUp({ maxBody: 1e6, timeout: 50 });
    expect((await hasty.post('/classify', large)).statusCode).toBe(504);
  });

  it('not if its queue is full, which is known before the image is decoded', async () => {
    const full = () => {
      throw new HttpError(503, 'the queue is full; try again later');
    };
    const { post } = await setUp({ served: [{ ...model, requireRoom: full }] });
    expect((await post('/classify', 'no image')).statusCode).toBe(503);
  });

  it('inverted', async () => {
    const { post } = await setUp();
    for (const flag of ['invert', 'invert=true']) {
      expect((await post(`/classify?top=1&${flag}`, await png)).json().classes[0].class).toBe('light');
    }
  });

  it('by the model that is named, where there are several', async () => {
    const { post } = await setUp({ served: [model, { ...model, name: 'other' }] });
    expect((await post('/classify?model=other', await png)).json().model).toBe('other');
    expect(await post('/classify', await png)).toMatchObject({
      statusCode: 400,
      body: expect.stringContaining('there are shade of grey, other'),
    });
  });

  it.each([
    [
      'scores',
      {
        labels: ['dark'],
        scores: classes.map(({ class: label, index, probability: score }) => ({ label, index, score })),
      },
    ],
    [
      'values',
      {
        values: [
          { name: 'light', value: 0.2 },
          { name: 'dark', value: 0.8 },
        ],
      },
    ],
  ] as const)('by %s, where the model gives those', async (kind, expected) => {
    const { input, output } = model.signature!;
    const { app, post } = await setUp({ served: [{ ...model, signature: { input, output: { ...output, kind } } }] });
    expect((await post('/classify', await png)).json()).toEqual({ model: 'shade of grey', ...expected });
    const { parameters } = (await app.inject('/v2/models/shade%20of%20grey')).json();
    expect(decodeSignature(parameters.signature).output.kind).toBe(kind);
  });

  it('but not by what is no number', async () => {
    const data = Float32Array.of(Number.NaN, 1);
    const answer = async () => new Map([['answer', { data, spec: { dtype: 'float32' as const, shape: [1, 2] } }]]);
    const { post } = await setUp({ served: [{ ...model, predict: answer }] });
    const { statusCode, body } = await post('/classify', await png);
    expect([statusCode, body]).toEqual([500, expect.stringContaining("the output 'probabilities' gives NaN")]);
  });

  it('with models of images alone', async () => {
    const served: ServedModel[] = [
      { ...model, signature: null, assumptions: ['it is not clear'] },
      { ...model, signature: { ...model.signature!, input: { name: 'x', dtype: 'float32', shape: [7], image: null } } },
    ];
    for (const [i, message] of [/it is not clear/, /not a grey or RGB image/].entries()) {
      const { post } = await setUp({ served: [served[i]!] });
      const answer = await post('/classify', await png);
      expect([answer.statusCode, answer.json()]).toEqual([400, { error: expect.stringMatching(message) }]);
    }
  });

  it.each([
    ['nothing', '', '', 400, /expected an image/],
    ['no image', '', 'hello', 400, /expected a PNG/],
    ['a damaged image', '', '\x89PNG\r\n', 400, /not a readable image/],
    ['a strange flag', '?inverted', 'x', 400, /inverted/],
    ['no number', '?top=all', 'x', 400, /top/],
    ['an unknown model', '?model=m', 'x', 404, /no model 'm'/],
    ['too much', '', 'x'.repeat(10_001), 413, /too large/],
  ])('refuses %s', async (_, query, body, status, message) => {
    const { post } = await setUp();
    const answer = await post(`/classify${query}`, Buffer.from(body, 'latin1'));
    expect([answer.statusCode, answer.json()]).toEqual([status, { error: expect.stringMatching(message) }]);
  });

  it('refuses forms without a file, too large, or broken', async () => {
    const { post } = await setUp();
    const send = async (body: string) => {
      const answer = await post('/classify', body, { 'content-type': 'multipart/form-data; boundary=b' });
      return [answer.statusCode, Object.keys(answer.json())];
    };
    const head = '--b\r\nContent-Disposition: form-data; name="f"; filename="f.png"\r\n\r\n';
    expect(await send('--b\r\nContent-Disposition: form-data; name="f"\r\n\r\n1\r\n--b--\r\n')).toEqual([
      400,
      ['error'],
    ]);
    expect(await send(`${head}${'x'.repeat(20_000)}\r\n--b--\r\n`)).toEqual([413, ['error']]);
    expect(await send(`${head}x`)).toEqual([400, ['error']]);
  });
});

it.each<[string, string, string, object, number]>([
  ['no such endpoint', '/v2/modells', '{}', {}, 404],
  ['an unknown model', '/v2/models/m/infer', '{}', {}, 404],
  ['an unknown version', '/v2/models/shade%20of%20grey/versions/2/infer', '{}', {}, 404],
  ['a broken address', '/v2/models/%ff/infer', '{}', {}, 400],
  ['no body', infer, '', {}, 400],
  ['another shape', infer, JSON.stringify(inference), {}, 400],
  ['too large a body', infer, ' '.repeat(10_001), {}, 413],
  ['an unknown encoding', infer, 'x', { 'content-encoding': 'br' }, 415],
  ['two encodings', infer, 'x', { 'content-encoding': 'gzip, gzip' }, 415],
  ['a body that is not compressed', infer, '{}', { 'content-encoding': 'gzip' }, 400],
])("%s: the protocol's error form", async (_, url, body, headers, status) => {
  const { post } = await setUp();
  const answer = await post(url, body, headers);
  expect([answer.statusCode, answer.json()]).toEqual([status, { error: expect.any(String) }]);
});

it.each([
  ['GET', infer, 'POST'],
  ['DELETE', '/v2/models/shade%20of%20grey', 'GET, HEAD'],
  ['PUT', '/v2/models/shade%20of%20grey/versions/7/ready/', 'GET, HEAD'],
  ['POST', '/v2', 'GET, HEAD'],
  ['OPTIONS', '/classify', 'POST'],
  ['POST', '/', 'GET, HEAD'],
  ['POST', '/docs', 'GET, HEAD'],
] as const)('%s %s is refused with the methods that there are', async (method, url, allow) => {
  const { app } = await setUp();
  const answer = await app.inject({ method, url, payload: 'x'.repeat(20_000) });
  expect([answer.statusCode, answer.headers.allow]).toEqual([405, allow]);
  expect(answer.json()).toEqual({ error: `${method} is not allowed here; the methods are ${allow}` });
});

it('failures: a full queue says when to come back, a worker that died is named, surprises only go to the log', async () => {
  const failures = [
    [new HttpError(503, 'full', { 'retry-after': '1' }), 503, 'full'],
    [new WorkerDied('the worker ended (exit code 1)'), 500, 'the worker ended (exit code 1); send the request again'],
    [new BnError('backend', 'no memory'), 500, 'no memory'],
    [new Error('secret'), 500, "internal error; the server's log has more"],
  ] as const;
  for (const [failure, status, error] of failures) {
    const { post, lines } = await setUp({ served: [{ ...model, predict: () => Promise.reject(failure) }] });
    const answer = await post(infer, JSON.stringify(valid));
    expect([answer.statusCode, answer.json()]).toEqual([status, { error }]);
    expect(answer.headers['retry-after']).toBe(status === 503 ? '1' : undefined);
    expect(lines.some((line) => line.includes(failure.message))).toBe(status === 500);
  }
});

it('a share is given back at once, and large ones leave room for small ones', () => {
  const budget = new Budget(8e6);
  const [first, second, small] = [budget.share(), budget.share(), budget.share()];
  first.take(5e6);
  expect(() => second.take(2e6)).toThrow(expect.objectContaining({ statusCode: 503 }));
  small.take(5e5);
  expect(() => small.take(1e6)).toThrow(expect.objectContaining({ statusCode: 503 }));
  first.release();
  first.release();
  second.take(5e6);
  expect(() => first.take(5e6)).toThrow();
});

it('takes bodies in parts, with and without a length, up to the limit', async () => {
  const { app } = await setUp({ maxBody: 300 });
  const address = await app.listen({ port: 0, host: '127.0.0.1' });
  const send = async (size: number, headers: Record<string, string>) => {
    const body = JSON.stringify(valid).padEnd(size);
    const parts = Readable.from(body.match(/.{1,50}/g)!);
    const request = httpRequest(address + infer, { method: 'POST', headers });
    const [response] = await Promise.all([once(request, 'response'), pipeline(parts, request).catch(() => {})]);
    return response[0].resume().statusCode;
  };
  expect(await send(300, {})).toBe(200);
  expect(await send(300, { 'content-length': '300' })).toBe(200);
  expect(await send(301, {})).toBe(413);
  expect(await send(301, { 'content-length': '301' })).toBe(413);
});

it('takes an image in parts, and a large answer as it is', async () => {
  const { app } = await setUp({ maxBody: 1e6 });
  const address = await app.listen({ port: 0, host: '127.0.0.1' });
  const noise = Buffer.alloc(300 * 300 * 3, randomBytes(4099));
  const image = await sharp(noise, { raw: { width: 300, height: 300, channels: 3 } })
    .png({ compressionLevel: 0 })
    .toBuffer();
  expect(image.length).toBeGreaterThan(2 ** 17);
  const classified = await fetch(`${address}/classify`, { method: 'POST', body: new Uint8Array(image) });
  expect([classified.status, Object.keys((await classified.json()) as object)]).toEqual([200, ['model', 'classes']]);
  const shape = [5000, 1, 2, 2];
  const many = { inputs: [{ ...inference.inputs[0], shape, data: Array(20_000).fill(51) }] };
  const answer = await fetch(address + infer, { method: 'POST', body: JSON.stringify(many) });
  expect(await answer.json()).toMatchObject({ outputs: [{ shape: [5000, 2], data: { length: 10_000 } }] });
});

describe('compressed', () => {
  const shape = [500, 1, 2, 2];
  const json = Buffer.from(JSON.stringify({ inputs: [{ ...inference.inputs[0], shape, data: Array(2000).fill(51) }] }));
  const encoded = { gzip: gzipSync(json), deflate: deflateSync(json) };

  it.each(['gzip', 'deflate'] as const)(
    'requests by %s are read, and the length of the JSON is that before',
    async (encoding) => {
      const { post } = await setUp();
      const headers = { 'content-encoding': encoding };
      expect((await post(infer, encoded[encoding], headers)).json().outputs[0].shape).toEqual([500, 2]);
      const input = { ...valid.inputs[0], data: undefined, parameters: { binary_data_size: 4 } };
      const head = Buffer.from(JSON.stringify({ inputs: [input] }));
      const binary = Buffer.concat([head, Uint8Array.of(51, 0, 0, 0)]);
      const bytes = encoding === 'gzip' ? gzipSync(binary) : deflateSync(binary);
      const answer = await post(infer, bytes, { ...headers, 'inference-header-content-length': String(head.length) });
      expect(answer.json().outputs[0].data[0]).toBeCloseTo(0.2);
    },
  );

  it('bombs are refused before they are unpacked, and what is cut off too', async () => {
    const { post } = await setUp();
    const send = async (body: Buffer) => {
      const { statusCode, body: text } = await post(infer, body, { 'content-encoding': 'gzip' });
      return `${statusCode} ${JSON.parse(text).error}`;
    };
    // 9 kB of 9 MB.
    expect(await send(gzipSync(Buffer.alloc(9e6)))).toBe(
      '413 the request is too large: more than 10000 bytes when decompressed',
    );
    expect(await send(encoded.gzip.subarray(0, -9))).toBe('400 the body is damaged, or not compressed by gzip');
  });

  it('answers are for those who accept it, if they are large', async () => {
    const { app, post } = await setUp();
    const ask = async (accept: string, size = 500) => {
      const data = { ...inference.inputs[0], shape: [size, 1, 2, 2], data: Array(4 * size).fill(51) };
      const { headers, rawPayload } = await post(infer, JSON.stringify({ inputs: [data] }), {
        'accept-encoding': accept,
      });
      const unpack = { gzip: gunzipSync, deflate: inflateSync }[headers['content-encoding'] as string];
      expect(JSON.parse(String(unpack ? unpack(rawPayload) : rawPayload)).outputs[0].shape).toEqual([size, 2]);
      return headers['content-encoding'];
    };
    expect(await ask('deflate, gzip;q=0.5')).toBe('gzip');
    expect(await ask('gzip;q=0, deflate')).toBe('deflate');
    expect(await ask('br, gzip; q=0.0')).toBeUndefined();
    expect(await ask('gzip', 1)).toBeUndefined();
    expect((await app.inject('/openapi.json')).headers).toMatchObject({ vary: 'accept-encoding' });
  });
});

describe('pages in browsers', () => {
  const origin = 'https://a.example';
  const preflight = { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-api-key' };

  it.each([
    ['localhost', 200],
    ['localhost:8080', 200],
    ['LOCALHOST', 200],
    ['app.localhost:1', 200],
    ['127.0.0.1:8080', 200],
    ['[::1]:8080', 200],
    ['192.168.0.1', 200],
    ['a.example', 200],
    ['evil.example:8080', 421],
    ['localhost.evil.example', 421],
  ])('host %s: %i', async (host, status) => {
    const { app } = await setUp({ allowOrigin: [origin] });
    for (const url of ['/v2/health/live', '/', '/nothing-here']) {
      const answer = await app.inject({ url, headers: { host } });
      expect(answer.statusCode === 421).toBe(status === 421);
    }
  });

  it('any host with a key, or where others can reach it', async () => {
    const { app } = await setUp({ hosts: null });
    expect((await app.inject({ url: '/v2', headers: { host: 'evil.example' } })).statusCode).toBe(200);
  });

  it('those of an allowed origin ask first, without a key, and read answers and failures', async () => {
    const { app } = await setUp({ allowOrigin: [origin, 'http://b.example:1'], apiKey: 'k' });
    const asked = await app.inject({ method: 'OPTIONS', url: infer, headers: preflight });
    expect([asked.statusCode, asked.headers['access-control-allow-origin']]).toEqual([204, origin]);
    expect(asked.headers['access-control-allow-methods']).toContain('POST');
    expect(asked.headers['access-control-allow-headers']).toBe('x-api-key');
    for (const [key, status] of [
      ['k', 200],
      ['x', 401],
    ] as const) {
      const answer = await app.inject({ url: '/v2', headers: { origin, 'x-api-key': key } });
      expect([answer.statusCode, answer.headers['access-control-allow-origin']]).toEqual([status, origin]);
      expect(answer.headers.vary).toMatch(/origin/i);
    }
    const page = await app.inject({ url: '/', headers: { origin, 'x-api-key': 'k' } });
    expect(page.headers['content-security-policy']).toMatch(/default-src 'none'/);
  });

  it('those of other origins read nothing', async () => {
    for (const allowOrigin of [[], ['https://b.example']]) {
      const { app } = await setUp({ allowOrigin });
      for (const request of [
        { url: '/v2', headers: { origin } },
        { method: 'OPTIONS', url: infer, headers: preflight } as const,
      ]) {
        expect((await app.inject(request)).headers['access-control-allow-origin']).toBeUndefined();
      }
    }
    const { app } = await setUp({ allowOrigin: ['*'] });
    expect((await app.inject({ url: '/v2', headers: { origin } })).headers['access-control-allow-origin']).toBe('*');
    expect((await app.inject('/nothing')).json()).toEqual({
      error: expect.stringContaining('there is no GET /nothing'),
    });
    expect((await app.inject({ method: 'PUT', url: infer })).statusCode).toBe(405);
  });
});

describe('with an API key', () => {
  const basic = (password: string) => `Basic ${Buffer.from(`me:${password}`).toString('base64')}`;

  it('all but the health of the server needs it', async () => {
    const { app } = await setUp({ apiKey: 'a:key' });
    for (const url of ['/v2/health/live', '/v2/health/ready']) expect((await app.inject(url)).statusCode).toBe(200);
    for (const url of ['/v2', '/v2/models/shade%20of%20grey/ready', '/metrics', '/nothing']) {
      const answer = await app.inject(url);
      expect([answer.statusCode, Object.keys(answer.json())]).toEqual([401, ['error']]);
      expect(answer.headers['www-authenticate']).toEqual([
        expect.stringMatching(/^Bearer/),
        expect.stringMatching(/^Basic/),
      ]);
    }
  });

  it('the description says what needs it', async () => {
    const { app } = await setUp({ apiKey: 'k' });
    const { paths } = (await app.inject({ url: '/openapi.json', headers: { 'x-api-key': 'k' } })).json();
    expect(paths['/v2/health/live'].get).toMatchObject({ security: [] });
    expect(paths['/v2/health/live'].get.responses).not.toHaveProperty('401');
    expect(paths['/v2'].get).not.toHaveProperty('security');
    expect(paths['/v2'].get.responses).toHaveProperty('401');
  });

  it.each([
    ['bearer', { authorization: 'Bearer a:key' }, 200],
    ['bearer, in small letters', { authorization: 'bearer a:key' }, 200],
    ['a header of its own', { 'x-api-key': 'a:key' }, 200],
    ['the password that browsers send', { authorization: basic('a:key') }, 200],
    ['another key', { authorization: 'Bearer a:keys' }, 401],
    ['another password', { authorization: basic('key') }, 401],
    ['an empty key', { authorization: 'Bearer ' }, 401],
    ['another scheme', { authorization: 'Digest a:key' }, 401],
  ])('%s', async (_, headers, status) => {
    const { app } = await setUp({ apiKey: 'a:key' });
    expect((await app.inject({ url: '/v2', headers })).statusCode).toBe(status);
  });
});
