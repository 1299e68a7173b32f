// What Vite makes of the module with the program of a worker.

declare module '@bn/wasm/worker?worker' {
  const BnWorker: new () => import('@bn/wasm').WebWorker;
  export default BnWorker;
}
