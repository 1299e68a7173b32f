#!/usr/bin/env node
// The program bn-tfjs-setup.

import { runSetupCommand } from '@bn/native';
import { setup } from '../dist/index.js';

await runSetupCommand('bn-tfjs-setup', setup);
