// Whether a native library computes, tried in a child process: a library that is missing or made for another processor
// cannot take this process down, and what is printed on standard error, where the cause is named, can be read.

import { execFile } from 'node:child_process';

/** Why a device does not compute. */
export interface Explanation {
  readonly cause: string;
  /** What to do. */
  readonly cure: string;
}

/** What is printed, and the explanation of it; `$1` in the cause stands for the pattern's first group. */
export type KnownFailure = Explanation & { readonly pattern: RegExp };

/** Where a GPU should be. */
export const absentHardware = {
  driver: {
    cause: 'there is no NVIDIA driver (libcuda.so.1)',
    cure: 'install the driver, or in a container pass the GPU through (docker run --gpus all)',
  },
  gpu: { cause: 'there is no NVIDIA GPU', cure: 'check nvidia-smi, and that CUDA_VISIBLE_DEVICES does not hide it' },
} as const satisfies Record<string, Explanation>;

/** The first known failure that fits; else the output's last line, and `cure`. */
export function explain(output: string, known: readonly KnownFailure[], cure: string): Explanation {
  for (const { pattern, ...explanation } of known) {
    const found = pattern.exec(output);
    if (found)
      return { ...explanation, cause: explanation.cause.replace(/\$(\d)/g, (_, i) => found[i] ?? 'a library') };
  }
  return { cause: output.trim().split('\n').at(-1) || 'the attempt ended without a message', cure };
}

/**
 * Runs a program, given as text, that prints `computes` if all is well.
 *
 * @returns undefined if it does; else what it said on standard error, and what ended it
 */
export function probe(
  program: string,
  args: readonly string[],
  {
    seconds,
    env,
  }: { readonly seconds: number; readonly env?: Readonly<Record<string, string | undefined>> | undefined },
): Promise<string | undefined> {
  const options = { timeout: seconds * 1000, maxBuffer: 1e8, ...(env && { env }) };
  return new Promise((resolve) => {
    execFile(process.execPath, ['-e', program, ...args], options, (error, stdout, stderr) => {
      const end = error?.signal ? `\nthe attempt was ended by ${error.signal}` : '';
      resolve(stdout.endsWith('computes') ? undefined : stderr + end);
    });
  });
}
