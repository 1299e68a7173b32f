// The command `doctor`, as a process of its own, and what it makes of the machine.

import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { doctorText } from '../src/doctor/doctor-text.js';
import { type ExaminedBackend, judge } from '../src/doctor/examine-backends.js';
import { type Machine, parseGpus, processorFeatures } from '../src/doctor/examine-machine.js';
import { smallFolder, train } from './small-run.js';

const program = fileURLToPath(new URL('../dist/index.js', import.meta.url));
const reference = pathToFileURL(
  fileURLToPath(new URL('../../../packages/reference/dist/index.js', import.meta.url)),
).href;

interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The program where nothing native is installed. */
function start(cwd: string, args: readonly string[]): Promise<Result> {
  const env = { ...process.env, INIT_CWD: cwd, BN_NATIVE_DIR: join(cwd, 'native') };
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], { cwd, env }, (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), stdout, stderr });
    });
  });
}

function addBackend(folder: string, name: string, text: string): void {
  const package_ = join(folder, 'node_modules', '@bn', name);
  mkdirSync(package_, { recursive: true });
  writeFileSync(join(package_, 'package.json'), `{"name":"@bn/${name}","type":"module","exports":"./index.js"}`);
  writeFileSync(join(package_, 'index.js'), text);
}

describe('the program', () => {
  it('ends on Ctrl-C without a verdict', async () => {
    const { code, stdout, stderr } = await train(smallFolder(), ['doctor'], { stopped: true });
    expect({ code, stdout, stderr }).toEqual({ code: 130, stdout: '', stderr: '' });
  });

  it('tries every backend on every device, and says what a run would say', { timeout: 60_000 }, async () => {
    const folder = smallFolder();
    addBackend(folder, 'crashes', 'export const createBackend = () => process.kill(process.pid, "SIGSEGV");');
    addBackend(
      folder,
      'errs',
      `import { createBackend as create } from '${reference}';
      export async function createBackend() {
        const backend = await create();
        const download = backend.download.bind(backend);
        backend.download = async (value) => (await download(value)).map((v) => v + 1);
        return backend;
      }`,
    );
    const { code, stdout } = await start(folder, ['doctor', '--json']);
    expect(code).toBe(0);
    const { machine, backends, automatic } = JSON.parse(stdout) as {
      machine: Machine;
      backends: ExaminedBackend[];
      automatic: object;
    };
    expect(automatic).toEqual({ backend: 'wasm', device: 'cpu' });
    expect(machine.node).toBe(process.versions.node);
    const devices = (name: string) => backends.find((backend) => backend.name === name)!.devices;

    expect(devices('reference')).toMatchObject([{ device: 'cpu', computes: true, seconds: expect.any(Number) }]);
    expect(devices('errs')).toMatchObject([{ computes: false, detail: expect.stringMatching(/other numbers/) }]);
    if (process.platform !== 'win32') {
      expect(devices('crashes')).toMatchObject([
        { computes: false, detail: expect.stringMatching(/ended by SIGSEGV/) },
      ]);
    }
    expect(devices('onnxruntime-cuda').find(({ device }) => device === 'cpu')).toMatchObject({ computes: true });
    expect(devices('tfjs-cuda').find(({ engine }) => engine === 'wasm')).toMatchObject({ computes: true });

    for (const name of ['onnxruntime-cuda', 'tfjs-cuda']) {
      const cuda = devices(name).find(({ device }) => device === 'cuda')!;
      expect(cuda).toMatchObject({ available: false, computes: false, seconds: null });
      const run = await start(folder, ['--data', 'data', '--model', 'net.ts', '--backend', name, '--device', 'cuda']);
      expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining(cuda.detail) });
    }
  });
});

describe('the text', () => {
  const machine: Machine = {
    node: '20.20.2',
    platform: 'linux x64',
    processor: 'A processor',
    cores: 2,
    features: ['avx2', 'fma'],
    memory: 24 * 2 ** 30,
    gpus: [],
    noGpu: 'no NVIDIA driver (there is no nvidia-smi)',
    mpi: 'Open MPI v4.1.4 (libmpi.so.40): processes that mpirun starts train together',
  };

  it('has a line per device', () => {
    const text = doctorText({
      machine,
      backends: [
        {
          name: 'some-cuda',
          devices: [
            {
              device: 'cuda',
              version: '1.0',
              available: false,
              computes: false,
              seconds: null,
              detail: 'no driver; install it',
            },
            { device: 'cpu', engine: 'wasm', available: true, computes: true, seconds: 0.31, detail: '1 thread' },
          ],
        },
      ],
    });
    expect(text).toBe(
      [
        'Node 20.20.2 on linux x64',
        'CPU  A processor, 2 cores, 24 GiB: avx2 fma',
        'GPU  no NVIDIA driver (there is no nvidia-smi)',
        'MPI  Open MPI v4.1.4 (libmpi.so.40): processes that mpirun starts train together',
        '',
        'some-cuda',
        '  ✗ cuda            1.0     no driver; install it',
        '  ✓ wasm on cpu             computes, 0.3 s; 1 thread',
        '',
        '--backend auto is wasm on cpu: neither onnxruntime-cuda nor tfjs-cuda computes on CUDA',
        '',
      ].join('\n'),
    );
  });

  it('ends with what a training takes where no backend is named', () => {
    const device = { device: 'cuda', available: true, computes: true, seconds: 1, detail: '' } as const;
    const backends = [{ name: 'tfjs-cuda', devices: [device] }];
    expect(doctorText({ machine, backends })).toMatch(/--backend auto is tfjs-cuda on cuda\n$/);
  });

  it('names the GPUs', () => {
    const gpus = parseGpus('NVIDIA H100 80GB HBM3, 580.65.06, 9.0, 81559 MiB\n');
    expect(doctorText({ machine: { ...machine, gpus, noGpu: null }, backends: [] })).toContain(
      'GPU  NVIDIA H100 80GB HBM3, 81559 MiB, compute capability 9.0, driver 580.65.06\n',
    );
  });
});

it('reads the instructions of x64 and ARM processors', () => {
  expect(processorFeatures('flags\t\t: fpu sse4_1 avx avx2 fma\nflags: x\n')).toEqual(['sse4_1', 'avx', 'avx2', 'fma']);
  expect(processorFeatures('Features\t: fp asimd asimddp\n')).toEqual(['asimd', 'asimddp']);
  expect(processorFeatures(undefined)).toBeNull();
});

it('a trial computes if its numbers are close, which NaN is not', () => {
  expect(judge('here', { difference: 1e-6 })).toEqual({ computes: true, detail: 'here' });
  expect(judge('here', { difference: 0.5 })).toMatchObject({ computes: false });
  expect(judge('here', { difference: Number.NaN })).toMatchObject({ computes: false });
  expect(judge('here', { failure: 'it broke' })).toMatchObject({
    computes: false,
    detail: expect.stringMatching(/it broke/),
  });
});
