// A backend that breaks by the first feature of a batch: at 66 its thread ends, at 65 it computes for ever, at 67 it throws,
// and at 68 it does so from then on.

import { BnError } from '@bn/core';
import { createBackend as createReference } from '@bn/reference';

export async function createBackend(options) {
  const backend = await createReference(options);
  let isDead = false;
  return new Proxy(backend, {
    get(target, name) {
      if (name !== 'upload') return typeof target[name] === 'function' ? target[name].bind(target) : target[name];
      return (data, spec) => {
        if (data[0] === 66) process.exit(3);
        while (data[0] === 65);
        if (data[0] === 67) throw new WebAssembly.RuntimeError('memory access out of bounds');
        isDead ||= data[0] === 68;
        if (isDead) throw new BnError('backend', 'device lost');
        return target.upload(data, spec);
      };
    },
  });
}
