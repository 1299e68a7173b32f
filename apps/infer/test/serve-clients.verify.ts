// The server as clients of the protocol have it: by gRPC in Node, by Triton's clients and KServe's in Python.

import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { status } from '@grpc/grpc-js';
import { expect, it } from 'vitest';
import { createGrpcClient, refusal } from './grpc-client.js';
import { createClient, startServer } from './serve-process.js';
import { lightIn, testFolder, whereTheLightIs } from './small-model.js';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const python = process.env.BN_PYTHON ?? 'python3';

async function serveLight(...args: string[]) {
  const folder = testFolder({ 'light.onnx': whereTheLightIs(), 'corner.png': await lightIn(1) });
  const server = await startServer([join(folder, 'light.onnx'), '--grpc-port', '0', ...args]);
  return { folder, server, ports: [new URL(server.url).port, String(server.grpcPort)] };
}

it.for([
  ['triton', 'tritonclient.http, tritonclient.grpc', 'tritonclient[http,grpc]', 'grpc contents'],
  ['kserve', 'kserve', 'kserve', 'gRPC binary'],
] as const)("%s's clients for Python", async ([name, modules, packages, last], { skip }) => {
  const found = spawnSync(python, ['-c', `import numpy, ${modules}`]).status === 0;
  if (!found) skip(`${python} has no numpy and ${packages}; pip install them, or name another Python in BN_PYTHON`);
  const { folder, ports } = await serveLight('--model-control', 'explicit');
  const program = fileURLToPath(new URL(`data/${name}_clients.py`, import.meta.url));
  const image = name === 'triton' ? [join(folder, 'corner.png')] : [];
  const { stdout } = await promisify(execFile)(python, [program, ...ports, ...image]);
  expect(stdout.trim().split('\n').at(-1)).toBe(last);
});

it('the program of the README', async ({ skip }) => {
  const found = spawnSync(python, ['-c', 'import tritonclient.grpc']).status === 0;
  if (!found) skip(`${python} has no tritonclient[grpc]; pip install it, or name another Python in BN_PYTHON`);
  const folder = testFolder({ 'clothes.onnx': whereTheLightIs({ shape: [1, 28, 28], metadata: {} }) });
  const { grpcPort } = await startServer([join(folder, 'clothes.onnx'), '--grpc-port', '0']);
  const [, program = ''] = /^```python\n(.*?)^```$/ms.exec(readme) ?? [];
  const root = fileURLToPath(new URL('../../..', import.meta.url));
  const args = ['-c', program.replace('8081', String(grpcPort))];
  const { stdout } = await promisify(execFile)(python, args, { cwd: root });
  expect(stdout.match(/0\.0\d+/g)?.length).toBeGreaterThan(5);
});

it.for(['SIGTERM', 'SIGINT'] as const)('by gRPC, %s ends it with 0 when all are answered', async (signal, context) => {
  if (process.platform === 'win32') context.skip('on Windows signals end a process at once');
  const { server } = await serveLight();
  const inputs = [
    { name: 'features', datatype: 'UINT8', shape: [1, 1, 2, 2], contents: { uint_contents: [0, 255, 0, 0] } },
  ];
  let answered = 0;
  const clients = Array.from({ length: 16 }, async () => {
    const call = createGrpcClient(server.grpcPort);
    for (;;) {
      const answer = call('ModelInfer', { model_name: 'light', inputs });
      if (
        await answer.then(
          () => ++answered,
          () => 0,
        )
      )
        continue;
      return (await refusal(answer)).code;
    }
  });
  await wait(1000);
  const before = answered;
  const code = await server.stop(signal);
  expect([code, new Set(await Promise.all(clients))]).toEqual([0, new Set([status.UNAVAILABLE])]);
  expect(before).toBeGreaterThan(16);
  expect(server.log()).not.toMatch(/"level":"error"/);
});

it('models are loaded and unloaded by request, if the server is told so', async () => {
  const { server } = await serveLight();
  const ask = createClient(server.url);
  const post = async (path: string, from = ask) => {
    const { status, body } = await from(`/v2/repository/${path}`, { method: 'POST' });
    return [status, JSON.parse(body.toString())];
  };
  const call = createGrpcClient(server.grpcPort);
  const refused = expect.stringMatching(/has to be started with --model-control explicit/);
  for (const task of ['load', 'unload']) expect(await post(`models/light/${task}`)).toEqual([403, { error: refused }]);
  expect(await refusal(call('RepositoryModelUnload', { model_name: 'light' }))).toEqual({
    ...{ code: status.PERMISSION_DENIED, details: refused },
  });
  const ready = { name: 'light', version: '1', state: 'READY', reason: '' };
  expect(await post('index')).toEqual([200, [ready]]);

  const controlled = await serveLight('--model-control', 'explicit');
  const askControlled = createClient(controlled.server.url);
  expect(await post('models/light/unload', askControlled)).toEqual([200, {}]);
  expect(await post('index', askControlled)).toEqual([200, [{ ...ready, state: 'UNAVAILABLE', reason: 'unloaded' }]]);
  for (const path of ['unload', 'infer']) {
    const url = path === 'infer' ? '/v2/models/light/infer' : '/v2/repository/models/light/unload';
    const { status, body } = await askControlled(url, { method: 'POST' });
    expect([status, body.toString()]).toEqual([404, expect.stringMatching(/model 'light' is not loaded/)]);
  }
  expect(await post('models/dark/load', askControlled)).toEqual([
    404,
    { error: "there is no model 'dark'; the models are all unloaded" },
  ]);
  expect(await post('models/light/load', askControlled)).toEqual([200, {}]);
  expect(await post('index', askControlled)).toEqual([200, [{ ...ready, version: '2' }]]);
});

it('does not start gRPC on the port of another', async () => {
  const { server } = await serveLight();
  await expect(serveLight('--grpc-port', String(server.grpcPort))).rejects.toThrow(
    /ended with 1: .*the port is in use; choose another with --grpc-port/s,
  );
});
