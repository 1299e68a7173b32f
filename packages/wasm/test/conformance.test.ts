import { conformance } from '@bn/conformance';
import { createBackend } from '@bn/wasm';

conformance('wasm', () => createBackend());
