// The loader, which lies beside the page's other files.

export * from '@bn/wasm/loader';
