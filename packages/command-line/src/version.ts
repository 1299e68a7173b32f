// The version that all packages of a release carry: workers and those who give them tasks must share it.

import { createRequire } from 'node:module';

export const { version } = createRequire(import.meta.url)('../package.json') as { version: string };
