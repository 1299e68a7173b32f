// What the published packages bring along: its licences, its list, and what is known of its weaknesses.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { expect, onTestFinished, test } from 'vitest';

const root = fileURLToPath(new URL('../', import.meta.url));

async function call(command: string): Promise<{ code: number; said: string }> {
  const child = spawn(command, { cwd: root, shell: true });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  const [code] = await once(child, 'close');
  return { code, said };
}

/** A registry that answers every question so. @returns its address */
async function registry(status: number, answer: object): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(status).end(JSON.stringify(answer)));
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as { port: number }).port}/`;
}

test('licences are known and permissive, or have a reason', async () => {
  const { code, said } = await call('node deploy/licenses.mjs');
  console.log(said);
  expect(code, said).toBe(0);
});

test('the bill of materials is valid CycloneDX, and has all packages that an installation brings', async () => {
  const { code, said } = await call('npx -y pnpm@12.21.0 run sbom');
  expect(code, said).toBe(0);
  onTestFinished(() => rmSync(`${root}/sbom.cdx.json`));
  const text = readFileSync(`${root}/sbom.cdx.json`, 'utf8');
  expect(await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text)).toBeNull();
  const purls = JSON.parse(text).components.map(({ purl }: { purl: string }) => purl.replace(/@[\d.]+$/, ''));
  expect(purls).toEqual(expect.arrayContaining(['pkg:npm/%40bn/core', 'pkg:npm/fastify', 'pkg:npm/vega']));
  expect(purls).not.toContain('pkg:npm/vitest');
});

test.each([
  ['nothing is known', 200, {}, 0, /"total|No known vulnerabilities/],
  ['something is known', 200, { fastify: [weakness()] }, 1, /fastify/],
  ['the registry does not take the question', 405, {}, 2, /^error: nothing was audited, .* responded with 405/],
] as const)('the audit, where %s', async (_, status, answer, code, words) => {
  const outcome = await call(`node deploy/audit.mjs --registry ${await registry(status, answer)}`);
  expect(outcome).toEqual({ code, said: expect.stringMatching(words) });
});

function weakness() {
  return { id: 1, url: 'https://a.example', title: 'a weakness', severity: 'high', vulnerable_versions: '<99' };
}
