// The native engine on the CPU, where libtensorflow is installed.

import { describeWith } from '@bn/conformance';
import { expect, test } from 'vitest';
import { createBackend, diagnose } from '../src/index.js';

const [cuda, cpu] = await diagnose();

describeWith('the native engine', { ...cpu, name: 'tfjs native' }, () => {
  test('a process has one number of threads, and one device', async () => {
    const first = await createBackend({ device: 'cpu', threads: 1 });
    expect(first).toMatchObject({ engine: 'native', device: { kind: 'cpu' } });
    expect(first.device.description).toMatch(/^cpu \(TensorFlow\.js, libtensorflow [\d.]+, 1 thread\)$/);
    const second = await createBackend({ device: 'cpu', engine: 'native' });
    expect(second.device.description).toBe(first.device.description);
    await expect(createBackend({ engine: 'native', threads: 2 })).rejects.toMatchObject({
      code: 'backend',
      message: expect.stringContaining('this process has loaded libtensorflow with 1 thread, not 2'),
    });
    if (cuda.available) {
      await expect(createBackend({ device: 'cuda' })).rejects.toMatchObject({
        code: 'backend',
        message: expect.stringContaining('this process has loaded libtensorflow for cpu, which excludes cuda'),
      });
    }
    await Promise.all([first.dispose(), second.dispose()]);
  });

  test('loading leaves the environment as it was', () => {
    expect(process.env.TF_NUM_INTRAOP_THREADS).toBeUndefined();
    expect(process.env.TF_FORCE_GPU_ALLOW_GROWTH).toBeUndefined();
  });
});
