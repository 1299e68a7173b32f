// Python's installer: whether it is here, how it is configured, and downloads by it.

import { execFile, spawn } from 'node:child_process';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BnError } from '@bn/core';
import type { Wheel, WheelSource } from './wheel.js';

const run = promisify(execFile);

export interface Pip {
  /** The command of the Python that has it. */
  readonly python: string;
  /** Its settings from files and the environment, by name, e.g. `index-url`. */
  readonly settings: ReadonlyMap<string, string>;
}

/** undefined where there is no Python with pip. */
export async function findPip(): Promise<Pip | undefined> {
  for (const python of process.platform === 'win32' ? ['python', 'py'] : ['python3', 'python']) {
    const listed = await run(python, ['-m', 'pip', 'config', 'list']).catch(() => undefined);
    if (listed) return { python, settings: parseSettings(listed.stdout) };
  }
  return undefined;
}

/** From lines like `global.index-url='https://…'` and `:env:.cert='…'`. */
export function parseSettings(text: string): Map<string, string> {
  const lines = text.matchAll(/^(?:global|download|:env:)\.([\w-]+)='(.*)'\r?$/gm);
  return new Map([...lines].map((match) => [match[1]!, match[2]!]));
}

/** Ways to the index that pip alone knows: certificates, proxies, further places. */
export function needsPip({ settings }: Pip): boolean {
  const names = ['cert', 'client-cert', 'proxy', 'find-links', 'no-index', 'extra-index-url', 'keyring-provider'];
  return names.some((name) => settings.has(name));
}

/** Downloads by pip, from wherever it is configured to. */
export function pipSource({ python }: Pip): WheelSource {
  return {
    description: 'the Python package index, by pip',
    async fetch(wheel, folder, { progress, signal }) {
      // pip writes here while it downloads.
      const temporary = join(folder, 'pip');
      let most = 0;
      const watch = setInterval(async () => {
        most = Math.max(most, await bytesBelow(temporary));
        if (most < wheel.bytes) progress?.({ file: wheel.file, received: most, total: wheel.bytes });
      }, 500);
      try {
        await rm(temporary, { recursive: true, force: true });
        await download(python, wheel, folder, temporary, signal);
        most = wheel.bytes;
        progress?.({ file: wheel.file, received: most, total: most });
      } finally {
        clearInterval(watch);
        await rm(temporary, { recursive: true, force: true });
      }
    },
  };
}

/** The flags that make pip take this very file, whatever the Python that runs it. */
export function downloadFlags({ project, version, file }: Wheel): string[] {
  const [python, , platforms] = file
    .replace(/\.whl$/, '')
    .split('-')
    .slice(-3) as [string, string, string];
  const number = /^cp3(\d+)$/.exec(python)?.[1] ?? '11';
  return [
    ...['--no-deps', '--only-binary=:all:', '--implementation', 'cp', '--python-version', `3.${number}`],
    ...platforms.split('.').flatMap((platform) => ['--platform', platform]),
    `${project}==${version}`,
  ];
}

async function download(python: string, wheel: Wheel, folder: string, temporary: string, signal?: AbortSignal) {
  await mkdir(temporary, { recursive: true });
  const flags = ['--quiet', '--no-cache-dir', '--disable-pip-version-check', '--dest', folder, ...downloadFlags(wheel)];
  const child = spawn(python, ['-m', 'pip', 'download', ...flags], {
    env: { ...process.env, TMPDIR: temporary, TEMP: temporary, TMP: temporary },
    stdio: ['ignore', 'ignore', 'pipe'],
    signal,
  });
  let errors = '';
  child.stderr.on('data', (data) => {
    errors += data;
  });
  const code = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code === 0) return;
  const reason = errors.trim().split('\n').at(-1) || `exit code ${code}`;
  throw new BnError(
    'file',
    `pip cannot download ${wheel.project} ${wheel.version}: ${reason}; check the network and pip config list, then run the setup again`,
  );
}

async function bytesBelow(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = names.map((name) =>
    stat(join(folder, name)).then(
      (entry) => (entry.isFile() ? entry.size : 0),
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((a, b) => a + b, 0);
}
