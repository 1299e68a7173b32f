#!/usr/bin/env node
// The program bn-bench.

import { start } from '@bn/command-line/start';

start(() => import('./program.js'));
