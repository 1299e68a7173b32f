// Who can be measured here: our backends and peers in JavaScript, on one or several versions of Node, and peers that Python has.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { UsageError } from '@bn/command-line';

export interface Participant {
  /** As `--participants` takes it: `wasm`, `tfjs-cuda:native`, `torch-compiled`. */
  readonly id: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly variant: string;
}

/** Ids of ours are `backend` or `backend:engine`. */
const ours = ['wasm', 'onnxruntime-cuda', 'tfjs-cuda'];

/** In Python. */
const peers = [
  { id: 'torch', modules: ['torch'], script: 'torch_peer.py', variant: 'eager' },
  { id: 'torch-compiled', modules: ['torch'], script: 'torch_peer.py', variant: 'compiled' },
  { id: 'jax', modules: ['jax'], script: 'jax_peer.py', variant: 'jit' },
  { id: 'keras', modules: ['keras', 'jax'], script: 'keras_peer.py', variant: 'fit' },
];

export interface Runtimes {
  /** Programs of Node; each runs all of ours. */
  readonly nodes: readonly string[];
  readonly python: string | null;
}

/**
 * Those that were asked for; else all of ours and the peers whose Python package is there, or as many of `among` as are
 * here. Peers in JavaScript are measured only if they are asked for: some take minutes for an epoch.
 */
export async function findParticipants(
  asked: readonly string[] | null,
  { nodes, python }: Runtimes,
  among: readonly string[] | null,
): Promise<Participant[]> {
  const installed = python === null ? [] : await installedPeers(python);
  const ids = asked ?? [...ours, ...installed].filter((id) => among === null || among.includes(id));
  return ids.flatMap((id) => {
    const peer = peers.find((peer) => peer.id === id);
    if (!peer) {
      const args = [fileURLToPath(new URL('participant/main.js', import.meta.url))];
      return nodes.map((command) => ({ id, command, args, variant: id }));
    }
    if (python === null || !installed.includes(id)) {
      throw new UsageError(
        `${id}: ${python ?? 'no Python'} has no ${peer.modules.join(' and ')}; install it there, or name another Python with --python`,
      );
    }
    const script = fileURLToPath(new URL(`../peers/${peer.script}`, import.meta.url));
    return [{ id, command: python, args: [script], variant: peer.variant }];
  });
}

/** Ids of the peers whose packages this Python has; none if there is no such program. */
async function installedPeers(python: string): Promise<string[]> {
  const modules = [...new Set(peers.flatMap(({ modules }) => modules))];
  const code = `from importlib.util import find_spec; print(*(m for m in ${JSON.stringify(modules)} if find_spec(m)))`;
  const found = await promisify(execFile)(python, ['-c', code]).catch(() => ({ stdout: '' }));
  const names = found.stdout.trim().split(/\s+/);
  return peers.filter(({ modules }) => modules.every((module) => names.includes(module))).map(({ id }) => id);
}
