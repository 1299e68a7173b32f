import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import type { Reporter, TestCase } from 'vitest/node';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** Ends a run with every skipped test and its reason; the reason also goes into the JSON report, which lacks it. */
class SkipReporter implements Reporter {
  readonly #skipped: string[] = [];

  onTestCaseResult(test: TestCase): void {
    const result = test.result();
    if (result.state !== 'skipped') return;
    const reason = result.note ?? 'no reason given';
    Object.assign(test.meta(), { skipReason: reason });
    this.#skipped.push(`skipped: ${test.fullName}: ${reason}`);
  }

  onTestRunEnd(): void {
    for (const line of this.#skipped.splice(0)) console.log(line);
  }
}

const report = process.env.BN_TEST_REPORT;

export default defineConfig({
  resolve: {
    // Sources instead of dist, so that each module exists once, however it is imported. Tests of the programs run dist.
    alias: [{ find: /^@bn\/([^/]+)$/, replacement: path('./packages/$1/src/index.ts') }],
  },
  test: {
    include: ['test/**/*.test.ts', '{packages,apps,examples}/*/test/**/*.test.ts'],
    testTimeout: 30_000,
    // Vitest would leave a processor out: of two, half.
    maxWorkers: '100%',
    reporters: ['default', new SkipReporter(), ...(report ? ['json'] : [])],
    outputFile: { json: report ?? '' },
  },
});
