// A backend whose thread ends when the first feature of a batch is 66.

import { createBackend as createReference } from '@bn/reference';

export async function createBackend(options) {
  const backend = await createReference(options);
  return new Proxy(backend, {
    get(target, name) {
      if (name !== 'upload') return typeof target[name] === 'function' ? target[name].bind(target) : target[name];
      return (data, spec) => {
        if (data[0] === 66) process.exit(3);
        return target.upload(data, spec);
      };
    },
  });
}
