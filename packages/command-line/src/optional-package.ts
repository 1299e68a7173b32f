// Packages that are large and not always needed: they are not dependencies, and are loaded when a user chooses them.

import { version } from './version.js';

/** Backends of this repository that are installed when a user asks for them. */
export const optionalBackends = ['onnxruntime-cuda', 'tfjs-cuda'] as const;

/**
 * The command that adds a package of this release, for the package manager that started the program, else for npm. Without
 * install scripts: ONNX Runtime's downloads 200 MB for CUDA, which the packages do not need.
 */
export function installCommand(name: string): string {
  const manager = /^(pnpm|yarn|bun)\//.exec(process.env.npm_config_user_agent ?? '')?.[1];
  return `${manager ? `${manager} add` : 'npm install'} --ignore-scripts ${name}@${version}`;
}

/** @param purpose what the package is needed for, e.g. `--data fashion-mnist` */
export function notInstalled(name: string, purpose: string): string {
  return `${purpose}: ${name} is not installed; run \`${installCommand(name)}\``;
}
