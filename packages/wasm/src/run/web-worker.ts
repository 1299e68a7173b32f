// What `createWorker` has to make. In a file of its own: its types need neither WebAssembly's nor those of browsers.

/** What is used of a Web Worker. */
export interface WebWorker {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: 'error', listener: (event: { readonly message?: string }) => void): void;
  terminate(): void;
}
