// The error for a file that contradicts itself.

import { BnError } from '@bn/core';

export function damaged(what: string): BnError {
  return new BnError('data', `${what}; the file is damaged`);
}
