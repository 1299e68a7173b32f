// The gRPC port, asked by a gRPC client: that it answers as HTTP does, and refuses with the same words.

import { readFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { Metadata, status } from '@grpc/grpc-js';
import sharp from 'sharp';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createGrpcServer } from '../src/serve/grpc/grpc-server.js';
import { loadMethods } from '../src/serve/grpc/load-services.js';
import { Budget } from '../src/serve/http/budget.js';
import { createApp } from '../src/serve/http/create-app.js';
import { HttpError } from '../src/serve/http-error.js';
import { createGrpcClient, type Message, refusal } from './grpc-client.js';
import { appOptions, model, type Overrides } from './shade-of-grey.js';

async function setUp(overrides: Overrides = {}, clientOptions: object = {}) {
  const lines: string[] = [];
  const options = appOptions(overrides, (line) => lines.push(line));
  const server = createGrpcServer(options);
  const port = await server.listen('127.0.0.1', 0);
  onTestFinished(() => server.close(0));
  const call = createGrpcClient(port, clientOptions);
  const infer = (input: object, more: object = {}) =>
    call('ModelInfer', { model_name: model.name, inputs: [{ name: 'x', ...input }], ...more });
  return { call, infer, lines, options, port, server };
}

const pixels = { datatype: 'UINT8', shape: [1, 1, 2, 2] };
const uints = { uint_contents: [51, 0, 0, 0] };
const probabilities = (answer: Message) => [...new Float32Array(new Uint8Array(answer.raw_output_contents[0]).buffer)];
const expected = [expect.closeTo(0.2), expect.closeTo(0.8)];

it('tells that it lives, what it is, and what it serves', async () => {
  const { call } = await setUp();
  expect(await call('ServerLive')).toEqual({ live: true });
  expect(await call('ServerReady')).toEqual({ ready: true });
  expect(await call('ServerMetadata')).toMatchObject({
    name: 'bn',
    extensions: expect.arrayContaining(['statistics']),
  });
  for (const version of ['', '7']) {
    const named = { name: model.name, version };
    expect(await call('ModelReady', named)).toEqual({ ready: true });
    expect(await call('ModelMetadata', named)).toEqual({
      ...{ name: model.name, versions: ['7'], platform: 'onnx_onnxv1' },
      inputs: [{ name: 'x', datatype: 'UINT8', shape: [-1, 1, 2, 2] }],
      outputs: [{ name: 'probabilities', datatype: 'FP32', shape: [-1, 2] }],
    });
    expect((await call('ModelConfig', named)).config).toMatchObject({
      ...{ max_batch_size: 8, dynamic_batching: { max_queue_delay_microseconds: 2000 } },
      input: [{ name: 'x', data_type: 'TYPE_UINT8', dims: [1, 2, 2] }],
      output: [{ name: 'probabilities', data_type: 'TYPE_FP32', dims: [2] }],
    });
    expect((await call('ModelStatistics', named)).model_stats[0]).toMatchObject({ name: model.name, version: '7' });
  }
  expect((await call('ModelStatistics')).model_stats).toHaveLength(1);
});

it('the README names the methods, and the paths that HTTP has for them', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const table = readme.slice(readme.indexOf('| | HTTP | gRPC |'), readme.indexOf('- **Versions.**'));
  const named = [...table.matchAll(/`(?:grpc\.health\.v1\.Health\/)?([A-Z]\w+)`/g)].map(([, name]) => name);
  expect(named.sort()).toEqual([...loadMethods().keys()].sort());
  const app = await createApp(appOptions({}, () => {}));
  const paths = [...table.matchAll(/`(POST )?(\/v2[^`]*)`/g)];
  expect(paths.length).toBeGreaterThan(10);
  for (const [, post, path] of paths) {
    const url = path!.replace('NAME', encodeURIComponent(model.name));
    const { statusCode } = await app.inject({ method: post ? 'POST' : 'GET', url });
    expect([url, statusCode]).toEqual([url, url.endsWith('/infer') ? 400 : 200]);
  }
});

it('probes learn that it does not serve: without a worker, and while it stops', async () => {
  const health = async (overrides: Overrides) => {
    const { call } = await setUp(overrides);
    return [(await call('Check')).status, (await call('ServerReady')).ready];
  };
  expect(await health({})).toEqual(['SERVING', true]);
  expect(await health({ isReady: () => false })).toEqual(['NOT_SERVING', false]);
  expect(await health({ isDraining: () => true })).toEqual(['NOT_SERVING', false]);
  const { call } = await setUp();
  expect((await call('Check', { service: 'inference.GRPCInferenceService' })).status).toBe('SERVING');
  expect((await refusal(call('Check', { service: 'x' }))).code).toBe(status.NOT_FOUND);
});

describe('infers', () => {
  const half = (...values: number[]) => Buffer.from(Uint16Array.from(values).buffer);

  it.each<[string, object, Buffer | null]>([
    ['UINT8', uints, null],
    ['UINT8', {}, Buffer.of(51, 0, 0, 0)],
    ['UINT16', uints, null],
    ['UINT32', uints, null],
    ['INT8', { int_contents: [51, 0, 0, 0] }, null],
    ['INT32', { int_contents: [51, 0, 0, 0] }, null],
    ['INT64', { int64_contents: [51, 0, 0, 0] }, null],
    ['UINT64', { uint64_contents: [51, 0, 0, 0] }, null],
    ['FP32', { fp32_contents: [51, 0, 0, 0] }, null],
    ['FP64', { fp64_contents: [51, 0, 0, 0] }, null],
    ['FP16', {}, half(0x5260, 0, 0, 0)],
  ])('%s %o', async (datatype, contents, raw) => {
    const { infer } = await setUp();
    const answer = await infer(
      { ...pixels, datatype, ...(!raw && { contents }) },
      { id: '42', ...(raw && { raw_input_contents: [raw] }) },
    );
    expect(answer).toMatchObject({
      ...{ model_name: model.name, model_version: '7', id: '42' },
      outputs: [{ name: 'probabilities', datatype: 'FP32', shape: [1, 2] }],
    });
    expect(probabilities(answer)).toEqual(expected);
  });

  it('booleans, and numbers below 0', async () => {
    const bool = { ...model, input: { name: 'x', spec: { dtype: 'bool', shape: [null, 1, 2, 2] } } } as const;
    const asBool = await setUp({ served: [bool] });
    const contents = { bool_contents: [true, false, false, true] };
    expect(probabilities(await asBool.infer({ ...pixels, datatype: 'BOOL', contents }))[0]).toBeCloseTo(1 / 255);
    const int = { ...model, input: { name: 'x', spec: { dtype: 'int32', shape: [null, 1, 2, 2] } } } as const;
    const asInt = await setUp({ served: [int] });
    for (const [datatype, field, least] of [
      ['INT32', 'int_contents', -(2 ** 31)],
      ['INT64', 'int64_contents', -(2 ** 31)],
    ] as const) {
      const answer = await asInt.infer({ ...pixels, datatype, contents: { [field]: [least, 0, 0, 0] } });
      expect(probabilities(answer)[0]).toBe(Math.fround(least / 255));
    }
  });

  it('images, as contents and as bytes behind their lengths', async () => {
    const { infer } = await setUp();
    const png = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#333' } })
      .png()
      .toBuffer();
    const input = { datatype: 'BYTES', shape: [2] };
    const contents = { bytes_contents: [png, png] };
    expect(probabilities(await infer({ ...input, contents }))).toEqual([...expected, ...expected]);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(png.length);
    const raw_input_contents = [Buffer.concat([length, png, length, png])];
    expect(probabilities(await infer(input, { raw_input_contents }))).toEqual([...expected, ...expected]);
    expect(await refusal(infer({ ...input, contents: { bytes_contents: [png, Buffer.from('hello')] } }))).toEqual({
      code: status.INVALID_ARGUMENT,
      details: expect.stringMatching(/^element 1: .*expected a PNG/),
    });
  });

  it('messages that are compressed', async () => {
    for (const algorithm of [1, 2]) {
      const { infer } = await setUp({}, { 'grpc.default_compression_algorithm': algorithm });
      expect(probabilities(await infer({ ...pixels, contents: uints }))).toEqual(expected);
    }
  });

  it('and counts', async () => {
    const { infer, options } = await setUp();
    await infer({ ...pixels, contents: uints });
    await refusal(infer(pixels));
    const metrics = await options.metrics.text();
    expect(metrics).toMatch(/requests_total\{model="shade of grey",status="200"\} 1/);
    expect(metrics).toMatch(/requests_total\{model="shade of grey",status="400"\} 1/);
  });
});

describe('refuses with the words of HTTP', () => {
  it.each<[string, object, object, number]>([
    ['another shape', { shape: [1, 2, 2], contents: uints }, {}, 400],
    ['another name', { name: 'y', contents: uints }, {}, 400],
    ['too few elements', { contents: { uint_contents: [1, 2, 3] } }, {}, 400],
    ['what the model does not hold', { datatype: 'INT64', contents: { int64_contents: [1, 2, 3, 256] } }, {}, 400],
    ['an unknown datatype', { datatype: 'BF16' }, { raw_input_contents: [Buffer.alloc(8)] }, 400],
    ['too few bytes', {}, { raw_input_contents: [Buffer.alloc(3)] }, 400],
    ['an unknown output', { contents: uints }, { outputs: [{ name: 'z' }] }, 400],
    ['a priority', { contents: uints }, { parameters: { priority: { int64_param: 1 } } }, 400],
    ['an unknown model', { contents: uints }, { model_name: 'm' }, 404],
    ['an unknown version', { contents: uints }, { model_version: '2' }, 404],
  ])('%s', async (_, input, request, httpStatus) => {
    const { infer, options } = await setUp();
    const { details } = await refusal(infer({ ...pixels, ...input }, request));
    const { name = 'x', datatype, shape, contents } = { ...pixels, ...input } as Message;
    const {
      raw_input_contents: [raw] = [],
      model_name = model.name,
      model_version,
      outputs,
      parameters,
    } = request as Message;
    const data = contents && Object.values(contents)[0];
    const asHttp = { name, datatype, shape, ...(raw ? { parameters: { binary_data_size: raw.length } } : { data }) };
    const json = Buffer.from(JSON.stringify({ inputs: [asHttp], outputs, parameters: parameters && { priority: 1 } }));
    const app = await createApp(options);
    const version = model_version ? `/versions/${model_version}` : '';
    const answer = await app.inject({
      ...{ method: 'POST', url: `/v2/models/${encodeURIComponent(model_name)}${version}/infer` },
      headers: { 'inference-header-content-length': String(json.length) },
      payload: Buffer.concat([json, raw ?? Buffer.alloc(0)]),
    });
    expect([answer.statusCode, answer.json().error.replace(/^data: /, 'contents: ')]).toEqual([httpStatus, details]);
  });

  it.each<[string, Message, RegExp]>([
    ['no data', {}, /expected either contents, or raw_input_contents/],
    ['both forms', { contents: uints, raw: [Buffer.alloc(4)] }, /expected either contents, or raw_input_contents/],
    ['data twice', { raw: [Buffer.alloc(4), Buffer.alloc(4)] }, /data is given twice/],
    ['another field', { contents: { int_contents: [1, 2, 3, 4] } }, /expected uint_contents for UINT8, got field 2/],
    ['halves in a field', { datatype: 'FP16', contents: uints }, /give it as raw_input_contents/],
    ['NaN', { datatype: 'FP32', contents: { fp32_contents: [Number.NaN, 0, 0, 0] } }, /got NaN at element 0/],
    ['too many elements', { contents: { uint_contents: [1, 2, 3, 4, 5] } }, /got more/],
  ])('%s', async (_, { raw, ...input }, message) => {
    const { infer } = await setUp();
    const { code, details } = await refusal(infer({ ...pixels, ...input }, raw && { raw_input_contents: raw }));
    expect([code, details]).toEqual([status.INVALID_ARGUMENT, expect.stringMatching(message)]);
  });

  it('a full queue, a time limit, surprises, which only go to the log, and unknown methods', async () => {
    for (const [failure, code, details] of [
      [new HttpError(503, 'full'), status.UNAVAILABLE, 'full'],
      [new HttpError(504, 'late'), status.DEADLINE_EXCEEDED, 'late'],
      [new Error('secret'), status.INTERNAL, "internal error; the server's log has more"],
    ] as const) {
      const { infer, lines } = await setUp({ served: [{ ...model, predict: () => Promise.reject(failure) }] });
      expect(await refusal(infer({ ...pixels, contents: uints }))).toEqual({ code, details });
      expect(lines.some((line) => line.includes('secret'))).toBe(failure.message === 'secret');
    }
  });

  it('calls without the key, but for its health', async () => {
    const { call } = await setUp({ apiKey: 'k' });
    const metadata = (name: string, value: string) => {
      const metadata = new Metadata();
      metadata.set(name, value);
      return metadata;
    };
    for (const method of ['ServerLive', 'ServerReady', 'Check']) await call(method);
    for (const wrong of [undefined, metadata('authorization', 'Bearer x')]) {
      expect(await refusal(call('ServerMetadata', {}, wrong))).toEqual({
        ...{ code: status.UNAUTHENTICATED, details: expect.stringMatching(/the API key is missing or wrong/) },
      });
    }
    for (const right of [metadata('authorization', 'Bearer k'), metadata('x-api-key', 'k')]) {
      expect((await call('ServerMetadata', {}, right)).name).toBe('bn');
    }
  });
});

it('calls have ids and lines in the log, those that are refused too, and belong to the trace of their caller', async () => {
  const { call, infer, lines } = await setUp({ apiKey: 'k', accessLog: true });
  const metadata = new Metadata();
  metadata.set('x-request-id', 'a-1');
  metadata.set('traceparent', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01');
  await refusal(call('ServerMetadata', {}, metadata));
  metadata.set('x-api-key', 'k');
  await call('ServerMetadata', {}, metadata);
  await refusal(infer(pixels));
  await expect.poll(() => lines.length).toBe(3);
  const path = '/inference.GRPCInferenceService/ServerMetadata';
  const traced = {
    requestId: 'a-1',
    trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
    method: 'gRPC',
    path,
    ip: '127.0.0.1',
  };
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({ ...traced, status: 401 }),
    expect.objectContaining({ ...traced, status: 200, milliseconds: expect.any(Number) }),
    expect.objectContaining({ status: 401, requestId: expect.stringMatching(/^[\da-f-]{36}$/) }),
  ]);
});

describe('what is large costs no more than its bytes', () => {
  const headers = { ':method': 'POST', ':path': '/inference.GRPCInferenceService/ModelInfer', te: 'trailers' };

  /** Bytes that are no message, sent as one. */
  async function send(port: number, message: Buffer): Promise<string> {
    const session = connect(`http://127.0.0.1:${port}`);
    onTestFinished(() => session.destroy());
    const stream = session.request({ ...headers, 'content-type': 'application/grpc' });
    const frame = Buffer.alloc(5);
    frame.writeUInt32BE(message.length, 1);
    stream.end(Buffer.concat([frame, message]));
    return new Promise((resolve, reject) => {
      stream.on('error', reject).resume();
      const answer = (headers: Message) =>
        headers['grpc-status'] && resolve(`${headers['grpc-status']} ${decodeURIComponent(headers['grpc-message'])}`);
      stream.on('response', answer).on('trailers', answer);
      stream.on('close', () => reject(new Error('no status')));
    });
  }

  it.each<[string, Buffer, RegExp]>([
    ['a message larger than a body may be', Buffer.alloc(1_000_001), /^8 .*larger than max/],
    ['empty inputs', Buffer.alloc(900_000, Buffer.of(0x2a, 0)), /^3 the request has more than 500 fields/],
    ['unknown fields', Buffer.alloc(900_000, Buffer.of(0x78, 0)), /^3 .*more than 500 fields/],
    [
      'a long name',
      Buffer.concat([Buffer.of(0x0a, 0xa0, 0xf7, 0x36), Buffer.alloc(900_000)]),
      /^3 .*more than 16384 bytes/,
    ],
    ['a length beyond its end', Buffer.of(0x0a, 0xff, 0xff, 0xff, 0x7f), /^3 the message is damaged/],
    ['a number without end', Buffer.alloc(20, 0xff), /^3 the message is damaged/],
    ['nothing', Buffer.alloc(0), /^3 inputs: /],
  ])('%s', async (_, message, answer) => {
    const { port } = await setUp({ maxBody: 1e6 });
    expect(await send(port, message)).toMatch(answer);
  });

  it('uploads that do not end are cut off, and what all hold together is limited, and given back', async () => {
    const budgets = { bodies: new Budget(2 ** 22), decoding: new Budget(2 ** 22) };
    const { call, port } = await setUp({ maxBody: 2 ** 20, timeout: 500, budgets });
    const session = connect(`http://127.0.0.1:${port}`);
    onTestFinished(() => session.destroy());
    const upload = () => {
      const stream = session.request({ ...headers, 'content-type': 'application/grpc' });
      const frame = Buffer.alloc(5);
      frame.writeUInt32BE(2 ** 20, 1);
      stream.write(frame);
      stream.write(Buffer.alloc(2 ** 18));
      return new Promise<number>((resolve) => {
        stream.on('error', () => {}).on('response', (answer) => resolve(Number(answer['grpc-status'])));
      });
    };
    for (let round = 0; round < 2; round++) {
      const uploads = Array.from({ length: 24 }, upload);
      expect((await call('ServerLive')).live).toBe(true);
      const statuses = await Promise.all(uploads);
      const count = (wanted: number) => statuses.filter((one) => one === wanted).length;
      // 15 fit into 4 MiB, or one less that is there in part.
      expect(count(status.DEADLINE_EXCEEDED) + count(status.UNAVAILABLE)).toBe(24);
      expect(count(status.DEADLINE_EXCEEDED)).toBeGreaterThan(12);
      expect(count(status.DEADLINE_EXCEEDED)).toBeLessThan(17);
    }
  });
});

it('at its end it answers what it was asked, within its time', async () => {
  let answer: () => void = () => {};
  const asked = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const slow = {
    ...model,
    predict: (...request: Parameters<typeof model.predict>) => asked.then(() => model.predict(...request)),
  };
  const { infer, call, server } = await setUp({ served: [slow] });
  await call('ServerLive');
  const running = infer({ ...pixels, contents: uints });
  await new Promise((resolve) => setTimeout(resolve, 50));
  const closed = server.close(5000);
  answer();
  expect(probabilities(await running)).toEqual(expected);
  await closed;
  expect((await refusal(call('ServerLive'))).code).toBe(status.UNAVAILABLE);
  const stuck = await setUp({ served: [{ ...model, predict: () => new Promise(() => {}) }] });
  const lost = refusal(stuck.infer({ ...pixels, contents: uints }));
  await new Promise((resolve) => setTimeout(resolve, 50));
  await stuck.server.close(100);
  expect([status.UNAVAILABLE, status.CANCELLED]).toContain((await lost).code);
});
