// What the machine is, as far as it matters to backends.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { findLibrary } from '@bn/mpi';
import { platformName } from '@bn/native';

export interface Machine {
  readonly node: string;
  /** `linux x64`. */
  readonly platform: string;
  readonly processor: string;
  /** Cores that this process may use. */
  readonly cores: number;
  /** Instructions that kernels use, e.g. `avx2`; null where the system does not tell. */
  readonly features: readonly string[] | null;
  /** In bytes. */
  readonly memory: number;
  readonly gpus: readonly Gpu[];
  /** Why no GPU is known; null if one is. */
  readonly noGpu: string | null;
  /** The library that connects processes that train together, or why there is none. */
  readonly mpi: string;
}

export interface Gpu {
  readonly name: string;
  readonly driver: string;
  /** As NVIDIA counts, e.g. `9.0`. */
  readonly computeCapability: string;
  /** `81559 MiB`. */
  readonly memory: string;
}

export async function examineMachine(env: NodeJS.ProcessEnv): Promise<Machine> {
  return {
    node: process.versions.node,
    platform: platformName(),
    processor: cpus()[0]?.model.trim() || 'unknown',
    cores: availableParallelism(),
    features: processorFeatures(readIfThere('/proc/cpuinfo')),
    memory: totalmem(),
    ...(await examineGpus()),
    mpi: await examineMpi(env),
  };
}

async function examineMpi(env: NodeJS.ProcessEnv): Promise<string> {
  try {
    const { version, file } = await findLibrary(env, null);
    return `${version} (${file}): processes that mpirun starts train together`;
  } catch (error) {
    return (error as Error).message;
  }
}

const x86Features = ['sse4_1', 'avx', 'avx2', 'fma', 'avx512f', 'avx512_vnni', 'amx_tile'];
const armFeatures = ['asimd', 'asimddp', 'sve'];

/** From Linux's /proc/cpuinfo. */
export function processorFeatures(cpuinfo: string | undefined): string[] | null {
  const flags = /^(?:flags|Features)\s*:(.*)$/m
    .exec(cpuinfo ?? '')?.[1]
    ?.trim()
    .split(/\s+/);
  return flags ? [...x86Features, ...armFeatures].filter((name) => flags.includes(name)) : null;
}

async function examineGpus(): Promise<Pick<Machine, 'gpus' | 'noGpu'>> {
  const query = ['--query-gpu=name,driver_version,compute_cap,memory.total', '--format=csv,noheader'];
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', query, { timeout: 20_000 });
    const gpus = parseGpus(stdout);
    return { gpus, noGpu: gpus.length > 0 ? null : 'nvidia-smi names none' };
  } catch (error) {
    const { code, stdout, stderr } = error as Error & { code: unknown; stdout?: string; stderr?: string };
    const said = `${stdout ?? ''}${stderr ?? ''}`.trim().split('\n')[0];
    const noGpu =
      code === 'ENOENT' ? 'no NVIDIA driver (there is no nvidia-smi)' : `nvidia-smi: ${said || `exit code ${code}`}`;
    return { gpus: [], noGpu };
  }
}

/** From lines like `NVIDIA H100 80GB HBM3, 580.65.06, 9.0, 81559 MiB`. */
export function parseGpus(text: string): Gpu[] {
  const lines = text.split('\n').filter((line) => line.includes(','));
  return lines.map((line) => {
    const [name = '', driver = '', computeCapability = '', memory = ''] = line.split(',').map((part) => part.trim());
    return { name, driver, computeCapability, memory };
  });
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
