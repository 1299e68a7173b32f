#!/usr/bin/env node
// The program bn-bench.

import { runProgram } from '@bn/command-line';
import { program } from './program.js';

await runProgram(program);
