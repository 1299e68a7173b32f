// The one error type of the toolkit: a code for programs, a message for people that ends with what to do.

/** What went wrong, for programs; `message` says it to people. */
export type BnErrorCode =
  | 'shape' // shapes or sizes do not fit together
  | 'dtype' // a wrong element type
  | 'argument' // an argument out of range or of the wrong kind
  | 'gradient' // a derivative that does not exist
  | 'data' // a data set, or a file of one, is malformed
  | 'backend' // a backend, device or native library is not available
  | 'unsupported' // valid, but not implemented by this backend or format
  | 'checkpoint' // a checkpoint is damaged or belongs to another model
  | 'not-finite' // NaN or infinity where training needs numbers
  | 'file' // reading or writing failed
  | 'busy'; // another process has it

export class BnError extends Error {
  override readonly name = 'BnError';
  readonly code: BnErrorCode;

  constructor(code: BnErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
