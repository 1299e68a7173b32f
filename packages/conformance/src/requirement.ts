// Hardware and software that may be missing.

import { describe, test } from 'vitest';

/** What a suite needs. What a backend's `diagnose()` says of a device fits, with a name added. */
export interface Requirement {
  /** What `BN_REQUIRE` calls it, e.g. `cuda`. */
  readonly name: string;
  readonly available: boolean;
  /** What is missing, and how to get it. */
  readonly detail: string;
}

/**
 * Defines the tests of `body` if what they need is there; else one test that is skipped with the reason, or fails if
 * the environment variable `BN_REQUIRE` (names with commas between them) has the name.
 */
export function describeWith(name: string, requirement: Requirement | undefined, body: () => void): void {
  if (!requirement || requirement.available) {
    describe(name, body);
    return;
  }
  const reason = `${requirement.name} is not available: ${requirement.detail}`;
  test(name, (context) => {
    const required = (process.env.BN_REQUIRE ?? '').split(',').map((entry) => entry.trim());
    if (required.includes(requirement.name)) throw new Error(`${reason} (BN_REQUIRE asks for it)`);
    context.skip(reason);
  });
}
