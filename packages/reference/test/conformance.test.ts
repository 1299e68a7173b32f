import { conformance } from '@bn/conformance';
import { createBackend } from '@bn/reference';

conformance('reference in float32', () => createBackend());
conformance('reference in float64', () => createBackend({ precision: 64 }));
