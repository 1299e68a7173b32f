// The page that measures: starts at once, shows what the worker tells, and gives the result to copy and share.

import '../style.css';
import type { Result, ToPage, ToWorker } from './messages.js';
import { recipe } from './recipe.js';

const parameters = new URLSearchParams(location.search);
const number = (name: string) => (parameters.has(name) ? Number(parameters.get(name)) : undefined);
const find = (id: string) => document.getElementById(id)!;
const main = document.querySelector('main')!;
const copyButton = find('copy') as HTMLButtonElement;
const shareButton = find('share') as HTMLButtonElement;

const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
worker.addEventListener('message', ({ data }: MessageEvent<ToPage>) => receive(data));
worker.addEventListener('error', ({ message }) => fail(message || 'the worker could not be loaded'));
const start: ToWorker = {
  navigation: performance.timeOrigin,
  seed: number('seed') ?? Math.floor(Math.random() * 1e6),
  ...{ threads: number('threads'), limit: number('limit') },
};
worker.postMessage(start);
find('method').textContent =
  `${recipe} The test accuracy is taken at the end of each epoch; the times are those of the first epoch that reaches it.`;
find('again').addEventListener('click', () => location.reload());

function receive(message: ToPage): void {
  if (message.type === 'failed') fail(message.message);
  else if (message.type === 'status') find('status').textContent = message.text;
  else if (message.type === 'device') {
    find('threads').textContent = String(message.threads);
    find('reason').hidden = message.reason === undefined;
    find('reason').textContent = message.reason ?? '';
  } else if (message.type === 'evaluated') {
    const { evaluated, examplesPerSecond } = message;
    showSpeed(examplesPerSecond);
    find('accuracy').textContent = evaluated.accuracy.toFixed(3);
    for (const [id, accuracy] of [
      ['to85', 0.85],
      ['to90', 0.9],
    ] as const) {
      const isFirst = find(id).textContent === '–';
      if (isFirst && evaluated.accuracy >= accuracy) find(id).textContent = evaluated.seconds.toFixed(1);
    }
  } else finish(message.result);
}

function showSpeed(examplesPerSecond: number): void {
  find('speed').textContent = Math.round(examplesPerSecond).toLocaleString('en');
}

function finish(result: Result): void {
  main.dataset.state = 'finished';
  showSpeed(result.examplesPerSecond);
  find('status').textContent = 'Finished.';
  for (const id of ['to85', 'to90']) if (find(id).textContent === '–') find(id).textContent = 'not reached';
  const text = JSON.stringify(result, null, 1);
  (find('result') as HTMLTextAreaElement).value = text;
  copyButton.disabled = false;
  copyButton.addEventListener('click', async () => {
    await navigator.clipboard.writeText(text);
    find('status').textContent = 'The result is on the clipboard.';
  });
  shareButton.hidden = !('share' in navigator);
  shareButton.addEventListener('click', () => navigator.share({ title: document.title, text }).catch(() => {}));
}

function fail(message: string): void {
  main.dataset.state = 'failed';
  find('status').textContent = `Stopped: ${message}`;
}
