import { conformance } from '@bn/conformance';
import { createBackend } from '@bn/wasm';
import { gaps } from './gaps.js';

conformance('wasm', () => createBackend(), { gaps });
