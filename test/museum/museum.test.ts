// Public reports about batch normalization and its neighbours, replayed; docs/museum.md is this collection in words.

import type { Backend } from '@bn/core';
import { createBackend as createReference } from '@bn/reference';
import { createBackend as createWasm } from '@bn/wasm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { folding } from './folding.js';
import { gradientHall } from './gradients.js';
import type { Exhibit, Hall } from './museum.js';
import { neighbours } from './neighbours.js';
import { refusals } from './refusals.js';
import { running } from './running.js';
import { statistics } from './statistics.js';
import { training } from './training.js';

const halls: readonly Hall[] = [statistics, running, gradientHall, training, folding, refusals, neighbours];
const exhibits = halls.flatMap((hall) => hall.exhibits);

describe.each([
  ['reference', () => createReference(), exhibits],
  ['wasm', () => createWasm({ threads: 1 }), exhibits.filter(({ float64 }) => !float64)],
] as const)('on the backend %s', (_, create, replayed) => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await create();
  });
  afterAll(() => backend.dispose());

  describe.each(halls.map((hall) => [hall.title, hall.exhibits] as const))('%s', (_title, shown) => {
    const here = shown.filter((exhibit) => replayed.includes(exhibit));
    test.each(here.map((exhibit) => [exhibit.title, exhibit] as const))('%s', (_name, exhibit) =>
      exhibit.replay(backend),
    );
  });
});

/** “pytorch/pytorch #5410”. */
function link(address: string): string {
  const [, repository, number] = /^https:\/\/github\.com\/([\w.-]+\/[\w.-]+)\/(?:issues|pull)\/(\d+)$/.exec(address)!;
  return `[${repository} #${number}](${address})`;
}

function section({ title, reports, scenario, others, right, here }: Exhibit): string {
  return `### ${title}

${scenario}

- Reports: ${reports.map(link).join(', ')}
- Others: ${others}
- Right: ${right}
- @bn: ${here}
`;
}

test('the page tells of every exhibit, in words of the exhibit (vitest -u writes it)', async () => {
  const page = `# The museum

Public reports about batch normalization and its neighbours, replayed: ${exhibits.length} exhibits from ${new Set(exhibits.flatMap((exhibit) => exhibit.reports)).size} reports. Each says
what was computed elsewhere, as the report has it, what is right and why, and what @bn gives. Many reports have been
answered since: what they tell of is how easily such a thing happens.

Each exhibit is a test on the backends \`@bn/reference\` and \`@bn/wasm\`; derivatives of derivatives are computed in float64, which
the reference alone has. The right value is a formula in float64, or a number from
the report, never an output of @bn. The tests are in \`test/museum\`, and this page is written from them.

x̂ is a normalized value, γ and β are scale and shift, ε is what is added to the variance, dy is the gradient of an output.

${halls.map(({ title, about, exhibits: shown }) => `## ${title}\n\n${about}\n\n${shown.map(section).join('\n')}`).join('\n')}`;
  await expect(page).toMatchFileSnapshot('../../docs/museum.md');
});

test('titles differ, and no report is cited twice in an exhibit', () => {
  expect(new Set(exhibits.map(({ title }) => title)).size).toBe(exhibits.length);
  for (const { reports } of exhibits) expect(new Set(reports).size).toBe(reports.length);
});
