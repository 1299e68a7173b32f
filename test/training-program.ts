// A program for the packed packages, as users write it: it trains five steps on Fashion-MNIST, on two threads, and prints losses.

/** What it imports. */
export const trainingPackages = ['@bn/core', '@bn/fashion-mnist', '@bn/wasm'];

/** With the argument `exact`, the numbers are the same on every machine and engine. */
export const trainingProgram = `
import { batchNorm, classification, conv2d, createTrainer, defineModel, dense, flatten, relu, sequential, sgd } from '@bn/core';
import { fashionMnist } from '@bn/fashion-mnist';
import { createBackend } from '@bn/wasm';

async function main() {
  const network = sequential({
    conv: conv2d(8, { kernelSize: 3, stride: 2 }),
    bn: batchNorm(),
    relu: relu(),
    flatten: flatten(),
    out: dense(10),
  });
  const model = defineModel(network, { input: { shape: [null, 1, 28, 28], dtype: 'float32' } });
  const backend = await createBackend({ threads: 2, exact: process.argv.includes('exact') });
  const trainer = await createTrainer({ model, backend, objective: classification(), optimizer: sgd(), seed: 1 });
  const { train } = await fashionMnist();
  const losses = [];
  for await (const event of trainer.fit({ train, epochs: 1, learningRate: 0.1 })) {
    if (event.type === 'step') losses.push(event.loss);
    if (losses.length === 5) break;
  }
  await trainer.dispose();
  await backend.dispose();
  console.log(JSON.stringify({ device: backend.device, losses }));
}
main();
`;
