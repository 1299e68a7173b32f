// Stands for vitest in a page: as much of it as the conformance suite uses.

import { chai, JestAsymmetricMatchers, JestChaiExpect, JestExtend } from '@vitest/expect';

for (const plugin of [JestExtend, JestChaiExpect, JestAsymmetricMatchers]) chai.use(plugin);

type Body = () => unknown;

const titles: string[] = [];
const tests: { readonly name: string; readonly body: Body }[] = [];
const before: Body[] = [];
const after: Body[] = [];

export const expect: unknown = chai.expect;
export const beforeAll = (body: Body): unknown => before.push(body);
export const afterAll = (body: Body): unknown => after.push(body);

export function describe(title: string, body: Body): void {
  titles.push(title);
  body();
  titles.pop();
}

export function test(title: string, body: Body): void {
  tests.push({ name: [...titles, title].join(' > '), body });
}

/** Runs everything defined so far. */
export async function runTests(): Promise<{ passed: number; failures: string[] }> {
  const failures: string[] = [];
  for (const body of before) await body();
  for (const { name, body } of tests) {
    try {
      await body();
    } catch (error) {
      failures.push(`${name}: ${error}`);
    }
  }
  for (const body of after) await body();
  return { passed: tests.length - failures.length, failures };
}
