// The server as its users have it: a process, real connections, many of them, and what happens to it.

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { openModel } from '../src/model/open-model.js';
import {
  type Answer,
  createClient,
  pixelsAsBytes,
  pixelsAsJson,
  type ServerProcess,
  startServer,
} from './serve-process.js';
import { testFolder, whereTheLightIs } from './small-model.js';

/** A model of 2 × 2 pixels in a file of a new folder, and a server of it. */
async function serveLight(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
  const file = join(testFolder({ 'light.onnx': whereTheLightIs() }), 'light.onnx');
  const server = await startServer([file, ...args], env);
  return { file, server, ask: createClient(server.url) };
}
const infer = '/v2/models/light/infer';
const outputOf = ({ body }: Answer, name: string): { data: number[] } =>
  JSON.parse(body.toString()).outputs.find((output: { name: string }) => output.name === name);

/** Requests one after another from each of many clients until the end, the next when the last is answered. */
async function load(clients: number, request: (client: number) => Promise<void>, end: AbortSignal): Promise<number> {
  let count = 0;
  const client = async (_: unknown, i: number) => {
    for (; !end.aborted; count++) await request(i);
  };
  await Promise.all(Array.from({ length: clients }, client));
  return count;
}

describe('a client finds its way', () => {
  it('from the metadata to the outputs that the model has without a server, by JSON and by bytes', async () => {
    const { file, ask } = await serveLight();
    const { inputs, outputs } = JSON.parse((await ask('/v2/models/light')).body.toString());
    expect(inputs).toEqual([{ name: 'features', datatype: 'UINT8', shape: [-1, 1, 2, 2] }]);
    expect(outputs.map(({ name }: { name: string }) => name)).toEqual(['logits', 'probabilities']);

    const pixels = [10, 200, 0, 30, 255, 1, 2, 3];
    const model = await openModel(file, { backend: 'reference', workingFolder: process.cwd() });
    const expected = (await model.run(Uint8Array.from(pixels))).get('probabilities')!.data;
    await model.dispose();
    const json = outputOf(await ask(infer, pixelsAsJson(...pixels)), 'probabilities').data;
    for (const [i, probability] of expected.entries()) expect(json[i]).toBeCloseTo(probability, 5);

    const answer = await ask(infer, pixelsAsBytes(...pixels));
    const bytes = Buffer.from(answer.body.subarray(Number(answer.headers['inference-header-content-length'])));
    expect([...new Float32Array(new Uint8Array(bytes.subarray(32)).buffer)]).toEqual(json);
  });

  it('several models, and an API key from the environment', async () => {
    const bytes = whereTheLightIs();
    const folder = testFolder({ 'a.onnx': bytes, 'b.onnx': bytes });
    const server = await startServer([join(folder, 'a.onnx'), join(folder, 'b.onnx')], { BN_API_KEY: 'secret' });
    const ask = createClient(server.url);
    expect((await ask('/v2/models')).status).toBe(401);
    const answer = await ask('/v2/models', { headers: { authorization: 'Bearer secret' } });
    expect(JSON.parse(answer.body.toString())).toEqual({ models: ['a', 'b'] });
  });
});

describe('under 64 clients', () => {
  const clients = 64;
  /** Who asks with light in a corner gets that corner: no answer is another's. */
  const askFor = async (ask: ReturnType<typeof createClient>, client: number, accepted: readonly number[] = []) => {
    const corner = client % 4;
    const pixels = [0, 1, 2, 3].map((i) => (i === corner ? 255 : 0));
    const answer = await ask(infer, pixelsAsJson(...pixels));
    expect(answer.status, answer.body.toString()).toBe(200);
    const { data } = outputOf(answer, 'logits');
    const winner = data.indexOf(Math.max(...data));
    expect([corner, ...accepted.map((shift) => (corner + shift) % 4)]).toContain(winner);
    return winner;
  };

  it('none fails, each gets its own answer, and they are computed together', async () => {
    const { ask } = await serveLight(['--workers', '2']);
    const end = AbortSignal.timeout(3000);
    const count = await load(clients, async (client) => void (await askFor(ask, client)), end);
    const metrics = (await ask('/metrics')).body.toString();
    const value = (name: string) => Number(new RegExp(`^${name}\\{[^}]*\\} (\\d+)`, 'm').exec(metrics)?.[1]);
    expect(value('bn_batch_examples_sum')).toBe(count);
    expect(value('bn_batch_examples_count')).toBeLessThan(count / 2);
  });

  it('a file that is replaced, and one that is broken, lose no request', async () => {
    const { file, server, ask } = await serveLight();
    const stop = new AbortController();
    const winners = new Set<number>();
    const running = load(
      clients,
      async (client) => void winners.add((await askFor(ask, client, [1])) - (client % 4)),
      stop.signal,
    );
    await wait(500);
    // Each class stands for the corner before it now.
    writeFileSync(`${file}.new`, whereTheLightIs({ shift: 1 }));
    renameSync(`${file}.new`, file);
    await server.logged(/model reloaded/);
    await wait(300);
    expect(winners.size).toBeGreaterThan(1);
    writeFileSync(file, 'broken');
    await server.logged(/the model stays as it was/);
    await wait(300);
    stop.abort();
    await running;
    expect(server.log()).toMatch(/"level":"error".*light\.onnx: .*the model stays as it was/);
    expect((await ask('/metrics')).body.toString()).toMatch(
      /bn_model_reloads_total\{model="light",result="failure"\} 1/,
    );
  });

  it('SIGHUP loads the files again at once', async (context) => {
    if (process.platform === 'win32') context.skip('Windows has no SIGHUP');
    const { file, server, ask } = await serveLight();
    const stop = new AbortController();
    const running = load(clients, async (client) => void (await askFor(ask, client, [1])), stop.signal);
    writeFileSync(`${file}.new`, whereTheLightIs({ shift: 1 }));
    renameSync(`${file}.new`, file);
    server.process.kill('SIGHUP');
    await server.logged(/model reloaded/);
    stop.abort();
    await running;
    expect(JSON.parse((await ask('/v2/models/light')).body.toString()).versions).toEqual(['2']);
    for (const [version, status] of [
      [1, 404],
      [2, 200],
    ] as const) {
      expect((await ask(`/v2/models/light/versions/${version}/infer`, pixelsAsJson(1, 0, 0, 0))).status).toBe(status);
    }
    expect(await askFor(ask, 0, [1])).toBe(1);
  });

  it.for(['SIGTERM', 'SIGINT'] as const)(
    '%s ends it with 0 when all are answered, and new connections are refused',
    async (signal, context) => {
      if (process.platform === 'win32') context.skip('on Windows signals end a process at once');
      const { server, ask } = await serveLight();
      const refused = new Set<string>();
      let answered = 0;
      const client = async (_: unknown, i: number) => {
        for (;;) {
          try {
            await askFor(ask, i);
            answered++;
          } catch (error) {
            refused.add((error as NodeJS.ErrnoException).code ?? String(error));
            return;
          }
        }
      };
      const running = Promise.all(Array.from({ length: clients }, client));
      await wait(1000);
      expect(refused.size).toBe(0);
      const code = await server.stop(signal);
      await running;
      // Reset: connections that the system had accepted, but the server not yet, when it stopped to listen.
      refused.delete('ECONNRESET');
      expect([code, [...refused]]).toEqual([0, ['ECONNREFUSED']]);
      expect(answered).toBeGreaterThan(clients);
      expect(server.log()).toMatch(/"stopped"/);
    },
  );
});

it('a worker that ends takes its requests along, and is replaced', async () => {
  const backend = fileURLToPath(new URL('data/mortal-backend.mjs', import.meta.url));
  const { server, ask } = await serveLight(['--backend', backend]);
  for (let i = 0; i < 2; i++) {
    const answer = await ask(infer, pixelsAsJson(66, 0, 0, 0));
    expect([answer.status, answer.body.toString()]).toEqual([500, expect.stringMatching(/"error":"the worker ended/)]);
    await wait(300);
    expect((await ask(infer, pixelsAsJson(1, 0, 0, 0))).status).toBe(200);
  }
  expect(server.log()).toMatch(/another one takes its place/);
});

describe('a backend that breaks in a worker that lives is replaced', () => {
  const backend = fileURLToPath(new URL('data/mortal-backend.mjs', import.meta.url));

  it.each([
    [65, 504, /did not finish a batch within 1 s/],
    [67, 500, /failed \(memory access out of bounds\)/],
    [68, 500, /computes no more \(device lost\)/],
  ])('by %i', async (pixel, status, reason) => {
    const { server, ask } = await serveLight(['--backend', backend, '--timeout', '1']);
    expect((await ask(infer, pixelsAsJson(pixel, 0, 0, 0))).status).toBe(status);
    const start = performance.now();
    let next = await ask(infer, pixelsAsJson(1, 0, 0, 0));
    // The time limit is shorter than loading a worker takes on a busy machine.
    while (next.status === 504) next = await ask(infer, pixelsAsJson(1, 0, 0, 0));
    expect(next.status).toBe(200);
    expect(performance.now() - start).toBeLessThan(6000);
    expect(server.log()).toMatch(reason);
  });
});

it('is not ready while its worker does not return, long before the time limit', async () => {
  const backend = fileURLToPath(new URL('data/mortal-backend.mjs', import.meta.url));
  const { ask } = await serveLight(['--backend', backend, '--timeout', '10']);
  const readyAfter = async (status: number, start = performance.now()) => {
    while ((await ask('/v2/health/ready')).status !== status) await wait(50);
    return performance.now() - start;
  };
  expect(await readyAfter(200)).toBeLessThan(500);
  const answer = ask(infer, pixelsAsJson(65, 0, 0, 0));
  expect(await readyAfter(503)).toBeLessThan(7000);
  expect((await answer).status).toBe(504);
  expect(await readyAfter(200)).toBeLessThan(7000);
});

describe('slow clients', () => {
  const head = `POST ${infer} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n`;

  it.each([
    ['in the headers', head],
    ['in the body', `${head}\r\n{`],
  ])('are cut off %s, and hold nobody up', async (_, text) => {
    const { server, ask } = await serveLight(['--timeout', '1']);
    const { hostname, port } = new URL(server.url);
    const sockets = Array.from({ length: 50 }, () => connect(Number(port), hostname));
    const answers = sockets.map(async (socket) => {
      socket.write(text);
      const dribble = setInterval(() => socket.write('x'), 200);
      let received = '';
      socket.on('error', () => {});
      socket.setEncoding('utf8').on('data', (part) => {
        received += part;
      });
      await closed(socket);
      clearInterval(dribble);
      return received;
    });
    expect((await ask(infer, pixelsAsJson(1, 0, 0, 0))).status).toBe(200);
    for (const answer of await Promise.all(answers)) expect(answer).toMatch(/^HTTP\/1\.1 408 .*\{"error":/s);
    expect((await ask('/v2/health/live')).status).toBe(200);
  });
});

/** Not `once`, which rejects for a connection that is reset. */
const closed = (socket: Socket) => new Promise<void>((resolve) => socket.on('close', () => resolve()));

it('20 clients that dribble do not hold up its end: what has arrived is answered, and it says first that it is not ready', async (context) => {
  if (process.platform === 'win32') context.skip('on Windows signals end a process at once');
  const { server, ask } = await serveLight(['--drain', '3']);
  const { hostname, port } = new URL(server.url);
  const sockets = Array.from({ length: 20 }, (_, i) => {
    const socket = connect(Number(port), hostname).on('error', () => {});
    socket.write(`POST ${infer} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n${i % 2 ? '\r\n{' : ''}`);
    const dribble = setInterval(() => socket.write('x'), 100);
    return closed(socket).then(() => clearInterval(dribble));
  });
  expect((await ask(infer, pixelsAsJson(1, 0, 0, 0))).status).toBe(200);
  const start = performance.now();
  const end = server.stop('SIGTERM');
  await server.logged(/stopping/);
  const [ready, answer] = await Promise.all([ask('/v2/health/ready'), ask(infer, pixelsAsJson(1, 0, 0, 0))]);
  expect([ready.status, answer.status]).toEqual([503, 200]);
  expect(await end).toBe(0);
  expect(performance.now() - start).toBeLessThan(4000);
  await Promise.all(sockets);
  expect(server.log()).not.toMatch(/"level":"error"/);
});

it('who never reads the answers is cut off too', async () => {
  const { server } = await serveLight(['--timeout', '1']);
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname).on('error', () => {});
  // More answers than the buffers of both sides take.
  const questions = 2000;
  socket.write('GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(questions));
  // The server looks twice whether anything has moved.
  await wait(7000);
  let answers = 0;
  socket.setEncoding('latin1').on('data', (part: string) => {
    answers += part.split('HTTP/1.1 200').length - 1;
  });
  // Else it would be kept open for half a minute.
  await once(socket, 'close', { signal: AbortSignal.timeout(10_000) });
  expect(answers).toBeGreaterThan(0);
  expect(answers).toBeLessThan(questions);
});

describe('does not start', () => {
  const failure = async (args: readonly string[]) =>
    startServer(args).then((server: ServerProcess) => server.url, String);

  it('on a port that is in use, with models of the same name, or without a backend', async () => {
    const { file, server } = await serveLight();
    const { port } = new URL(server.url);
    expect(await failure([file, '--port', port])).toMatch(
      /ended with 1: .*the port is in use; choose another with --port/s,
    );
    expect(await failure([file, file])).toMatch(/ended with 2: .*have the same name 'light'/s);
    expect(await failure([file, '--backend', 'nothing'])).toMatch(/ended with 2: .*unknown backend 'nothing'/s);
    expect(await failure(['/nowhere/x.onnx'])).toMatch(/ended with 1: .*there is no such file/s);
  });
});

it('warns when strangers can reach it', async () => {
  expect((await serveLight(['--host', '0.0.0.0'])).server.log()).toMatch(/warning: 0\.0\.0\.0 can be reached/);
  expect((await serveLight(['--host', '0.0.0.0', '--api-key', 'k'])).server.log()).not.toMatch(/warning/);
});

it('benchmark --server times one client, many, and many without batches', async () => {
  const file = join(testFolder({ 'light.onnx': whereTheLightIs() }), 'light.onnx');
  const program = fileURLToPath(new URL('../dist/index.js', import.meta.url));
  const run = (...flags: string[]) =>
    promisify(execFile)(process.execPath, [program, 'benchmark', file, '--server', '--seconds', '0.4', ...flags]);
  const lines = (await run('--json')).stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.map(({ clients, maxBatch }) => [clients, maxBatch])).toEqual([
    [1, 64],
    [64, 64],
    [64, 1],
  ]);
  for (const { requestsPerSecond } of lines) expect(requestsPerSecond).toBeGreaterThan(0);
  const { stdout } = await run('--backend', 'reference');
  const [batched, single] = [...stdout.matchAll(/^ +64 +\d+ +([\d,]+) /gm)].map(([, rate]) =>
    Number(rate!.replace(',', '')),
  );
  const said = Number(/answers ([\d.]+) times/.exec(stdout)?.[1]);
  expect(said).toBeCloseTo(batched! / single!, 1);
  await expect(run('--backend', 'nothing')).rejects.toThrow(/the server does not start: unknown backend 'nothing'/);
});
