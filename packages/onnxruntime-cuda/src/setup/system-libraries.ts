// Which libraries of CUDA the system has.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** What the provider and cuDNN load, for CUDA 13. */
const needed = ['libcudart.so.13', 'libcublasLt.so.13', 'libcublas.so.13', 'libcurand.so.10', 'libcudnn.so.9'];

/** Whether the dynamic linker finds all of them; a part of them is not mixed with NVIDIA's wheels. */
export function systemHasCuda(): boolean {
  const folders = (process.env.LD_LIBRARY_PATH ?? '').split(':').filter((folder) => folder !== '');
  const cache = linkerCache();
  return needed.every(
    (file) => cache.includes(`\t${file} `) || folders.some((folder) => existsSync(join(folder, file))),
  );
}

function linkerCache(): string {
  try {
    return execFileSync('/sbin/ldconfig', ['-p'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return '';
  }
}
