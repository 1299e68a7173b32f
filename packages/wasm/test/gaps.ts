// What the backend does not do, wherever it runs.

import type { Gap } from '@bn/conformance';

export const gaps: readonly Gap[] = [
  { reason: 'a run is one step: going on to the next costs it little', cases: ['several steps'] },
];
