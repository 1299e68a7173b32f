// A request that is refused, with the status that says why.

export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | string[]>>;

  constructor(statusCode: number, message: string, headers: Readonly<Record<string, string | string[]>> = {}) {
    super(message);
    this.statusCode = statusCode;
    this.headers = headers;
  }
}

/** @param timeout in milliseconds */
export function timeUp(timeout: number): HttpError {
  return new HttpError(504, `no answer within ${timeout / 1000} s; send fewer examples, or try again later`);
}

/** Status of a request whose client went away before the answer was written, as nginx logs it. */
export const gone = 499;

export function wentAway(): HttpError {
  return new HttpError(gone, 'the client went away');
}
