import { conformance } from '@bn/conformance';
import { createBackend } from '@bn/wasm';

conformance('wasm', () => createBackend(), {
  gaps: [{ reason: 'a run is one step: going on to the next costs it little', cases: ['several steps'] }],
});
