#!/usr/bin/env node
// The program bn-infer.

import { start } from '@bn/command-line/start';

start(() => import('./program.js'));
