// The program of a worker as a module, for pages that may not make workers from text: `@bn/wasm/worker`.

import { createClock } from './run/clock.js';
import { createMember } from './run/member.js';
import { serve } from './run/serve.js';

serve(
  createMember,
  createClock,
  (handle) => addEventListener('message', ({ data }) => handle(data)),
  (answer) => postMessage(answer),
);
