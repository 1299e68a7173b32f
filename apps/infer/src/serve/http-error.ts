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
