// The page: a picture, drawn or chosen, and at once what the model takes it for.

import { percent, showClasses } from './class-list.js';
import { DrawingPad } from './drawing-pad.js';
import { classify, inputSize, modelNames } from './server.js';

const canvas = element('pad', HTMLCanvasElement);
const seen = element('seen', HTMLCanvasElement);
const models = element('model', HTMLSelectElement);
const file = element('file', HTMLInputElement);
const undo = element('undo', HTMLButtonElement);
const clear = element('clear', HTMLButtonElement);
const pen = element('pen', HTMLInputElement);
const eraser = element('eraser', HTMLInputElement);
const invert = element('invert', HTMLInputElement);
const hint = element('hint', HTMLElement);
const best = element('best', HTMLElement);
const problem = element('problem', HTMLElement);
const classes = element('classes', HTMLOListElement);

/** The picture that the pad shows, as long as nothing is drawn onto it: the server gets it as it was. */
let chosen: Blob | null = null;
let isShowing = false;

const pad = new DrawingPad(canvas, () => {
  if (!isShowing) chosen = null;
  update();
});

function update(): void {
  hint.hidden = !pad.isEmpty;
  clear.disabled = pad.isEmpty;
  undo.disabled = !pad.canUndo;
  showSmall();
  askAgain();
}

/** About as the server does it: small, and grey. */
function showSmall(): void {
  const context = seen.getContext('2d', { willReadFrequently: true })!;
  context.imageSmoothingQuality = 'high';
  context.drawImage(canvas, 0, 0, seen.width, seen.height);
}

let isAsking = false;
let isStale = false;

/** One question at a time: what changes meanwhile is asked after it. */
async function askAgain(): Promise<void> {
  isStale = true;
  if (isAsking) return;
  isAsking = true;
  while (isStale) {
    isStale = false;
    await answer().catch((error: Error) => tell(error.message));
  }
  isAsking = false;
}

async function answer(): Promise<void> {
  const ranked = await classify(models.value, chosen ?? (await pad.file()), chosen !== null && invert.checked);
  // An empty pad is classified for the names of the classes alone.
  showClasses(classes, pad.isEmpty ? ranked.map((entry) => ({ ...entry, probability: 0 })) : ranked);
  const [first] = ranked;
  best.textContent = pad.isEmpty || !first ? 'nothing yet' : `${first.class}, ${percent(first.probability)}`;
  tell('');
}

function tell(message: string): void {
  problem.textContent = message;
  problem.hidden = message === '';
}

async function show(image: Blob): Promise<void> {
  chosen = image;
  isShowing = true;
  try {
    pad.show(await createImageBitmap(image), invert.checked);
  } catch {
    // The server may know formats that the browser cannot show.
    update();
  } finally {
    isShowing = false;
  }
}

async function chooseModel(): Promise<void> {
  const { width, height } = await inputSize(models.value);
  seen.width = width;
  seen.height = height;
  if (canvas.width * height !== canvas.height * width) {
    pad.reshape(width, height);
    chosen = null;
  }
  update();
}

function imageIn(files: FileList | undefined): File | undefined {
  return [...(files ?? [])].find(({ type }) => type.startsWith('image/'));
}

function takeFrom(transfer: DataTransfer | null): void {
  const image = imageIn(transfer?.files);
  if (image) void show(image);
  else if (transfer && transfer.files.length > 0) tell('That is not a picture.');
}

element('choose', HTMLButtonElement).addEventListener('click', () => file.click());
file.addEventListener('change', () => {
  const image = imageIn(file.files ?? undefined);
  file.value = '';
  if (image) void show(image);
});
undo.addEventListener('click', () => pad.undo());
clear.addEventListener('click', () => pad.clear());
pen.addEventListener('input', () => {
  pad.penWidth = Number(pen.value) / 80;
});
eraser.addEventListener('change', () => {
  pad.erases = eraser.checked;
});
invert.addEventListener('change', () => {
  if (chosen) void show(chosen);
});
models.addEventListener('change', () => void chooseModel().catch((error: Error) => tell(error.message)));
addEventListener('paste', ({ clipboardData }) => takeFrom(clipboardData));
addEventListener('dragover', (event) => {
  event.preventDefault();
  document.body.classList.add('dropping');
});
addEventListener('dragleave', ({ relatedTarget }) => {
  if (!relatedTarget) document.body.classList.remove('dropping');
});
addEventListener('drop', (event) => {
  event.preventDefault();
  document.body.classList.remove('dropping');
  takeFrom(event.dataTransfer);
});

/** @throws if the page has no such element of that kind */
function element<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`the page has no ${kind.name} #${id}`);
}

async function start(): Promise<void> {
  for (const name of await modelNames()) models.add(new Option(name, name));
  await chooseModel();
}

start().catch((error: Error) => tell(error.message));
