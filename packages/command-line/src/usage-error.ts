// A mistake in how the program was called: exit code 2, where everything else that goes wrong is 1.

export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly code = 'usage';
}
