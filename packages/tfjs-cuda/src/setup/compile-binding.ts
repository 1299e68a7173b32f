// Compiles TensorFlow.js's native binding, from the sources that its npm package holds, against a newer libtensorflow
// than the package brings.

import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { BnError } from '@bn/core';
import { bindingFile, librariesFolder, tfjsVersion } from '../native-folder.js';

const require = createRequire(import.meta.url);
const run = promisify(execFile);

/** What compiling takes beside libtensorflow. */
export interface Toolchain {
  readonly compiler: string;
  /** The folder of the binding's sources. */
  readonly sources: string;
}

/** @throws BnError `backend` with what to install, if the compiler or the sources are missing */
export async function findToolchain(): Promise<Toolchain> {
  return { sources: findSources(), compiler: await findCompiler() };
}

/** Compiles `folder`/tfjs_binding.node against `folder`/tensorflow. */
export async function compileBinding(folder: string, { compiler, sources }: Toolchain): Promise<void> {
  const { include_dir: headers } = require('node-api-headers') as { include_dir: string };
  const libraries = join(folder, librariesFolder);
  const files = readdirSync(sources).filter((name) => name.endsWith('.cc'));
  await run(compiler, [
    ...['-std=c++17', '-O2', '-fPIC', '-shared', '-s', '-DNAPI_VERSION=8'],
    ...[`-I${headers}`, `-I${join(libraries, 'include')}`],
    ...files.map((name) => join(sources, name)),
    ...['-o', join(folder, bindingFile)],
    ...[`-L${libraries}`, '-l:libtensorflow_cc.so.2', '-l:libtensorflow_framework.so.2'],
    `-Wl,-rpath,$ORIGIN/${librariesFolder}`,
  ]).catch((cause: Error & { stderr: string }) => {
    const [first = cause.message] = /^.*error:.*$/m.exec(cause.stderr) ?? [];
    throw new BnError(
      'backend',
      `the binding of TensorFlow.js does not compile with ${compiler}: ${first}; use GCC 9, clang 10 or newer (CXX names one)`,
      { cause },
    );
  });
}

async function findCompiler(): Promise<string> {
  const candidates = process.env.CXX ? [process.env.CXX] : ['c++', 'g++', 'clang++'];
  for (const compiler of candidates) {
    const found = await run(compiler, ['--version']).catch(() => undefined);
    if (found) return compiler;
  }
  throw new BnError(
    'backend',
    `no C++ compiler was found (${candidates.join(', ')}) to compile the binding of TensorFlow.js with; install one: ` +
      'apt-get install g++ (Debian, Ubuntu), dnf install gcc-c++ (Fedora, Red Hat), zypper install gcc-c++ (SUSE)',
  );
}

function findSources(): string {
  for (const name of ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node']) {
    try {
      return join(dirname(require.resolve(`${name}/package.json`)), 'binding');
    } catch {
      // The next one has the same sources.
    }
  }
  throw new BnError(
    'backend',
    'the sources of the binding are not installed; they are in @tensorflow/tfjs-node-gpu: ' +
      `npm install --ignore-scripts @tensorflow/tfjs-node-gpu@${tfjsVersion}`,
  );
}
