#!/usr/bin/env node
// The program bn-infer.

import { runProgram } from '@bn/command-line';
import { program } from './program.js';

await runProgram(program);
