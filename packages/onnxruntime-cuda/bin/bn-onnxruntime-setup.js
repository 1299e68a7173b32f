#!/usr/bin/env node
// The program bn-onnxruntime-setup.

import { runSetupCommand } from '@bn/native';
import { setup } from '../dist/index.js';

await runSetupCommand('bn-onnxruntime-setup', setup);
