#!/usr/bin/env node
// The program bn-train.

import { start } from '@bn/command-line/start';

start(() => import('./program.js'));
