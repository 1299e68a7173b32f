// What a configuration asks of its backend.

import type { BackendOptions } from '@bn/core';
import type { RunConfig } from '../config/settings.js';

export function backendOptions({ device, engine, threads, exact }: RunConfig): BackendOptions {
  // `exact` is an option of one backend's own.
  const own = exact && { exact };
  return { device, ...(engine !== null && { engine }), ...(threads !== null && { threads }), ...own };
}
