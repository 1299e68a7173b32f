// Whose fault a failure is, where many tasks are done one after another.

import { BnError } from '@bn/core';
import { UsageError } from './usage-error.js';

/** Whether the machine or the call is to blame (files, data, backends), so that the next task would fail like this one. */
export function isMachineFault(error: unknown): error is UsageError | BnError {
  return error instanceof UsageError || (error instanceof BnError && ['file', 'data', 'backend'].includes(error.code));
}
