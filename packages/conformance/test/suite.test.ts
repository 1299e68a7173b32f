// The suite itself: what it reports of good and bad backends. This file runs itself again as the file of a stranger.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Backend, BnError, createGraph, type Graph, isOp, ops } from '@bn/core';
import { createBackend } from '@bn/reference';
import { beforeAll, describe, expect, test } from 'vitest';
import { conformance } from '../src/conformance.js';

if (process.env.BN_SUITE_OF_A_STRANGER) stranger();
else describe('the suite', testReport);

function stranger(): void {
  const refusing = (op: string) =>
    compiling((graph) => {
      if (graph.nodes.some((node) => isOp(node, 'erf'))) throw new BnError('unsupported', `${op} is not implemented`);
      return graph;
    });
  const minimum = (graph: Graph) =>
    createGraph(
      new Map(
        [...graph.outputs].map(([name, y]) => [name, isOp(y, 'maximum') ? ops.minimum(y.inputs[0], y.inputs[1]) : y]),
      ),
    );
  const gap = { reason: 'no table of it', cases: ['erf', 'gelu'] };
  conformance('wrong', compiling(minimum));
  conformance('gapped', refusing('erf'), { gaps: [gap] });
  conformance('silent', createBackend, { gaps: [gap] });
  conformance('stale', createBackend, { gaps: [{ reason: 'long gone', cases: ['erfc'] }] });
  const detail = 'install it';
  conformance('absent', createBackend, { requirement: { name: 'abacus', available: false, detail } });
  conformance('required', createBackend, { requirement: { name: 'loom', available: false, detail } });
}

/** The reference backend, compiling something else. */
function compiling(change: (graph: Graph) => Graph): () => Promise<Backend> {
  return async () => {
    const backend = await createBackend();
    const compile = backend.compile.bind(backend);
    return Object.assign(backend, { compile: async (graph: Graph) => compile(change(graph)) });
  };
}

interface Report {
  readonly testResults: readonly { readonly assertionResults: readonly { fullName: string; status: string }[] }[];
}

function testReport(): void {
  const statuses = new Map<string, string>();
  beforeAll(async () => {
    for (const { fullName, status } of (await runAsStranger()).testResults.flatMap((file) => file.assertionResults)) {
      statuses.set(fullName, status);
    }
  }, 120_000);
  const rows = [
    ['a wrong result fails', 'wrong literal values maximum: mixed signs', 'failed'],
    ['a wrong result fails among random values', 'wrong random values maximum: random 1', 'failed'],
    ['a right result passes', 'wrong literal values erf: odd', 'passed'],
    ['a gap that is refused passes', 'gapped literal values erf: odd is refused: no table of it', 'passed'],
    ['a gap covers gradients', 'gapped gradients gelu: gradient is refused: no table of it', 'passed'],
    ['a gap that computes fails', 'silent literal values erf: odd is refused: no table of it', 'failed'],
    ['a gap without cases fails', 'stale afterwards every gap names cases that exist', 'failed'],
    ['a gap with cases passes', 'gapped afterwards every gap names cases that exist', 'passed'],
    ['what is missing is skipped', 'absent', 'skipped'],
    ['what is missing and required fails', 'required', 'failed'],
  ] as const;
  test.each(rows)('%s', (_, name, status) => {
    const found = [...statuses].find(([fullName]) => fullName.startsWith(name));
    expect(found?.[1], [...statuses.keys()].join('\n')).toBe(status);
  });
}

function runAsStranger(): Promise<Report> {
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  const vitest = fileURLToPath(new URL('./vitest.mjs', import.meta.resolve('vitest/package.json')));
  const file = fileURLToPath(import.meta.url);
  const filter = 'maximum: (mixed|random 1,)|erf: odd|gelu: gradient|every gap|^absent|^required';
  // Its report is for this test, not for whoever runs this test.
  const { VITEST: _, BN_TEST_REPORT: __, ...environment } = process.env;
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [vitest, 'run', file, '--reporter=json', '-t', filter],
      { cwd: root, env: { ...environment, BN_SUITE_OF_A_STRANGER: '1', BN_REQUIRE: 'cuda, loom' }, maxBuffer: 1 << 26 },
      // The exit code tells of the failures that are meant to be.
      (error, output) => {
        try {
          resolve(JSON.parse(output.slice(output.indexOf('{'))) as Report);
        } catch {
          reject(error);
        }
      },
    );
  });
}
