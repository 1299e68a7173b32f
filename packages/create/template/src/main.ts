// The page: classes, the camera, and what the network says of it.

import './style.css';
import { look, openCamera } from './camera.js';
import { ClassCard } from './class-card.js';
import type { FromWorker, Ranked, ToWorker } from './messages.js';
import { decodeProject, encodeProject } from './project.js';

const fewest = 5;
const video = element('video', HTMLVideoElement);
const status = element('status', HTMLElement);
const problem = element('problem', HTMLElement);
const progress = element('progress', HTMLProgressElement);
const trainButton = element('train', HTMLButtonElement);
const downloadButton = element('download', HTMLButtonElement);
const file = element('file', HTMLInputElement);

const worker = new Worker(new URL('./training-worker.ts', import.meta.url), { type: 'module' });
const ask = (message: ToWorker, transfer: Transferable[] = []) => worker.postMessage(message, transfer);

let cards: ClassCard[] = [];
let isTraining = false;
let isTrained = false;

function addClass(name: string): ClassCard {
  const see = () => (video.videoWidth > 0 ? look(video) : null);
  const card = new ClassCard(name, see, update, (gone) => {
    cards = cards.filter((one) => one !== gone);
    gone.element.remove();
    update();
  });
  cards.push(card);
  element('classes', HTMLElement).append(card.element);
  update();
  return card;
}

/** Whether there is enough to train on. */
function update(): void {
  const isReady = cards.length > 1 && cards.every(({ examples, name }) => examples.length >= fewest && name !== '');
  trainButton.disabled = !isReady || isTraining;
}

function train(): void {
  isTraining = true;
  update();
  problem.hidden = true;
  progress.hidden = false;
  progress.value = 0;
  status.textContent = 'Training …';
  const all = cards.flatMap(({ examples }, label) => examples.map((pixels) => ({ pixels, label })));
  const pixels = new Uint8Array(all.length * all[0]!.pixels.length);
  for (const [i, one] of all.entries()) pixels.set(one.pixels, i * one.pixels.length);
  const labels = Int32Array.from(all, ({ label }) => label);
  ask({ type: 'train', classNames: cards.map(({ name }) => name), pixels, labels }, [pixels.buffer]);
}

function show(classes: readonly Ranked[]): void {
  const [first] = classes;
  element('best', HTMLElement).textContent = first ? `${first.class}, ${percent(first.probability)}` : '';
  element('bars', HTMLElement).replaceChildren(
    ...classes.map(({ class: name, probability }) => {
      const [item, title, bar, share] = ['li', 'span', 'meter', 'span'].map((tag) => document.createElement(tag)) as [
        HTMLElement,
        HTMLElement,
        HTMLMeterElement,
        HTMLElement,
      ];
      title.textContent = name;
      bar.value = probability;
      bar.setAttribute('aria-hidden', 'true');
      share.textContent = percent(probability);
      item.append(title, bar, share);
      return item;
    }),
  );
}

worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => {
  if (data.type === 'progress') {
    progress.value = data.share;
    status.textContent = `Training: loss ${data.loss.toFixed(3)}, ${percent(data.accuracy)} right`;
  } else if (data.type === 'trained') {
    isTraining = false;
    isTrained = true;
    progress.hidden = true;
    downloadButton.disabled = false;
    status.textContent = 'Trained. Show something to the camera.';
    update();
    next();
  } else if (data.type === 'classes') {
    show(data.classes);
    setTimeout(next, 100);
  } else if (data.type === 'model') {
    download('model.onnx', new Blob([data.bytes]));
  } else {
    isTraining = false;
    progress.hidden = true;
    tell(data.message);
    update();
  }
});
worker.addEventListener('error', ({ message }) => tell(message || 'The worker could not be loaded.'));

/** Asks for the next answer; a question at a time. */
function next(): void {
  if (!isTrained || isTraining) return;
  if (video.videoWidth > 0 && !document.hidden) ask({ type: 'classify', pixels: look(video) });
  else setTimeout(next, 300);
}

function tell(message: string): void {
  problem.textContent = message;
  problem.hidden = false;
}

function download(name: string, content: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

async function openProject(given: File): Promise<void> {
  const classes = decodeProject(await given.text());
  for (const { element } of cards) element.remove();
  cards = [];
  for (const { name, examples } of classes) addClass(name).add(examples);
  status.textContent = `${given.name} is open: train to see what it knows.`;
}

element('open-camera', HTMLButtonElement).addEventListener('click', ({ currentTarget }) => {
  problem.hidden = true;
  openCamera(video).then(
    () => (currentTarget as HTMLElement | null)?.remove(),
    ({ message }: Error) => tell(message),
  );
});
element('add', HTMLButtonElement).addEventListener('click', () => addClass(`Class ${cards.length + 1}`));
trainButton.addEventListener('click', train);
element('save', HTMLButtonElement).addEventListener('click', () => {
  download('project.json', new Blob([encodeProject(cards)], { type: 'application/json' }));
});
element('open', HTMLButtonElement).addEventListener('click', () => file.click());
file.addEventListener('change', () => {
  const [given] = file.files ?? [];
  file.value = '';
  if (given) openProject(given).catch(({ message }: Error) => tell(message));
});
downloadButton.addEventListener('click', () => ask({ type: 'export' }));

/** @throws if the page has no such element of that kind */
function element<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`the page has no ${kind.name} #${id}`);
}

addClass('Class 1');
addClass('Class 2');
