// The server under attack: what a stranger can send costs it no more than it should, and others are answered meanwhile.

import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { status } from '@grpc/grpc-js';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { loadMethods } from '../src/serve/grpc/load-services.js';
import { type Message, refusal, sendMessage } from './grpc-client.js';
import { createClient, pixelsAsJson, type ServerProcess, startServer } from './serve-process.js';
import { testFolder, whereTheLightIs } from './small-model.js';

const infer = '/v2/models/light/infer';
const mebibyte = 2 ** 20;

async function serveLight() {
  const file = join(testFolder({ 'light.onnx': whereTheLightIs() }), 'light.onnx');
  const server = await startServer([file, '--backend', 'wasm', '--threads', '1', '--grpc-port', '0']);
  const ask = createClient(server.url);
  await ask(infer, pixelsAsJson(1, 2, 3, 4));
  return { server, ask };
}

/** What a task takes: CPU seconds and, on Linux, memory in MiB at its peak; and how long health took at the worst, in milliseconds. */
async function costOf(
  { server, ask }: { server: ServerProcess; ask: ReturnType<typeof createClient> },
  task: () => Promise<void>,
) {
  const { pid } = server.process;
  const proc = (file: string) => (process.platform === 'linux' ? readFileSync(`/proc/${pid}/${file}`, 'utf8') : '');
  const peak = () => Number(/VmHWM:\s+(\d+)/.exec(proc('status'))?.[1] ?? 0) / 1024;
  const seconds = () =>
    proc('stat')
      .split(') ')
      .at(-1)!
      .split(' ')
      .slice(11, 13)
      .reduce((sum, ticks) => sum + Number(ticks) / 100, 0);
  const [memory, cpu] = [peak(), seconds()];
  let isDone = false;
  const ended = task().finally(() => {
    isDone = true;
  });
  let health = 0;
  for (; !isDone; await wait(20)) {
    const start = performance.now();
    expect((await ask('/v2/health/live')).status).toBe(200);
    health = Math.max(health, performance.now() - start);
  }
  await ended;
  return { memory: peak() - memory, cpu: seconds() - cpu, health };
}

describe('16 MB', () => {
  const size = 15.9 * mebibyte;
  const filled = (before: string, part: string, after: string) =>
    Buffer.from(before + part.repeat((size - before.length - after.length) / part.length) + after);
  const head = '{"inputs":[{"name":"features","shape":[1,1,2,2],"datatype":"UINT8","data":';

  const bytes = head.replace('UINT8', 'BYTES').replace('[1,1,2,2]', '[1]');

  it.each([
    ['empty inputs', filled('{"inputs":[{}', ',{}', ']}')],
    ['parameters', filled('{"parameters":{"a":1', ',"b":1', '}}')],
    ['outputs', filled(`${head}[1,2,3,4]}],"outputs":[{}`, ',{}', ']}')],
    ['rows', filled(`${head}[[[1]]`, ',[[1]]', ']}]}')],
    ['elements', filled(`${head}[1`, ',1', ']}]}')],
    ['objects', filled(`${head}[{}`, ',{}', ']}]}')],
    ['texts', filled(`${head}[""`, ',""', ']}]}')],
    ['spaces', filled(`${head}[1,2,3,4`, ' ', ']}]}')],
    ['a dimension', filled('{"inputs":[{"name":"features","datatype":"UINT8","data":[1],"shape":[1', ',1', ']}]}')],
    ['brackets', filled('', '[', '')],
    ['escaped slashes', filled(`${bytes}["`, '\\/', '"]}]}')],
    ['empty files', filled(`${bytes}[""`, ',""', ']}]}')],
  ])('of %s', async (_, body) => {
    const served = await serveLight();
    const { memory, cpu, health } = await costOf(served, async () => {
      const { status, body: answer } = await served.ask(infer, { method: 'POST', body });
      expect([status, JSON.parse(answer.toString())]).toEqual([400, { error: expect.any(String) }]);
    });
    // Generous: other tests share the machine.
    expect(health).toBeLessThan(1500);
    expect(cpu).toBeLessThan(2);
    expect(memory).toBeLessThan(5 * 16);
  });
});

describe('16 MB by gRPC', () => {
  const { requestSerialize: encode } = loadMethods().get('ModelInfer')!;
  const parameters = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [i.toString(36), { bool_param: true }]));
  const count = 3e6;
  const tensor = {
    ...{ name: 'features', datatype: 'UINT8', shape: [count, 1, 2, 2] },
    contents: {
      uint_contents: Array<number>(4 * count)
        .fill(1)
        .with(-1, 256),
    },
  };

  it.each<[string, Message]>([
    ['elements', { inputs: [tensor] }],
    ['parameters', { parameters: parameters(1e6) }],
    ['inputs', { inputs: Array(count).fill({ name: 'x' }) }],
    ['outputs', { outputs: Array(count).fill({ name: 'x' }) }],
    ['tensors', { raw_input_contents: Array(count).fill(Buffer.alloc(1)) }],
  ])('of %s', async (_, message) => {
    const served = await serveLight();
    const bytes = encode({ model_name: 'light', ...message });
    expect(bytes.length).toBeGreaterThan(8 * mebibyte);
    const { memory, cpu, health } = await costOf(served, async () => {
      const answer = await refusal(sendMessage(served.server.grpcPort, bytes));
      expect(answer).toEqual({ code: status.INVALID_ARGUMENT, details: expect.any(String) });
    });
    expect(health).toBeLessThan(1500);
    expect(cpu).toBeLessThan(2);
    expect(memory).toBeLessThan(6 * 16);
  });
});

it('50 bombs: 413 or 503 before they are unpacked', async () => {
  const served = await serveLight();
  const bomb = gzipSync(Buffer.alloc(400 * mebibyte));
  const statuses: number[] = [];
  const { memory, cpu, health } = await costOf(served, async () => {
    const send = () => served.ask(infer, { method: 'POST', headers: { 'content-encoding': 'gzip' }, body: bomb });
    const answers = await Promise.all(Array.from({ length: 50 }, send));
    statuses.push(...answers.map(({ status }) => status));
  });
  expect(new Set([...statuses, 413, 503])).toEqual(new Set([413, 503]));
  expect(health).toBeLessThan(1500);
  expect(cpu).toBeLessThan(5);
  expect(memory).toBeLessThan(400);
  expect((await served.ask(infer, pixelsAsJson(1, 2, 3, 4))).status).toBe(200);
});

it('150 uploads that do not end: 503 for most, little memory, and small requests are answered', async () => {
  const served = await serveLight();
  const statuses: (number | undefined)[] = [];
  const chunk = Buffer.alloc(mebibyte, ' ');
  const upload = () => {
    const headers = { 'content-length': 15 * mebibyte };
    const sent = request(served.server.url + infer, { method: 'POST', agent: false, headers }, (response) => {
      statuses.push(response.statusCode);
      response.resume();
    });
    // A connection that is closed under the upload.
    sent.on('error', () => {});
    for (let i = 0; i < 14; i++) sent.write(chunk);
    return sent;
  };
  const { memory } = await costOf(served, async () => {
    const uploads = Array.from({ length: 150 }, upload);
    for (let i = 0; i < 20; i++, await wait(100)) {
      expect((await served.ask(infer, pixelsAsJson(1, 2, 3, 4))).status).toBe(200);
    }
    for (const one of uploads) one.destroy();
  });
  expect(statuses.length).toBeGreaterThan(20);
  expect(new Set(statuses)).toEqual(new Set([503]));
  expect(memory).toBeLessThan(500);
  // What they held is given back.
  for (let i = 0; i < 10; i++) {
    const body = Buffer.alloc(15 * mebibyte, ' ');
    expect((await served.ask(infer, { method: 'POST', body })).status).toBe(400);
  }
});

it('32 large images at once: some are answered, the others refused with 503, and none is refused later', async () => {
  const served = await serveLight();
  const large = await sharp({ create: { width: 7000, height: 5000, channels: 3, background: '#333' } })
    .jpeg({ progressive: true })
    .toBuffer();
  const send = async () => (await served.ask('/classify', { method: 'POST', body: large })).status;
  const statuses: number[] = [];
  const { memory } = await costOf(served, async () => {
    statuses.push(...(await Promise.all(Array.from({ length: 32 }, send))));
  });
  expect(new Set(statuses)).toEqual(new Set([200, 503]));
  expect(memory).toBeLessThan(1200);
  expect(await send()).toBe(200);
});
