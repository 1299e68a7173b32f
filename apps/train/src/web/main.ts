// A page that says what is in pictures: chosen, dropped, pasted, or seen by the camera.

import { bars, inWords } from './answers.js';
import { Camera, hasCamera } from './camera.js';
import { pixelsOf, readPicture, thumbnail } from './pictures.js';
import { type Predictor, startPredictor } from './predictor.js';

const choose = element('choose', HTMLButtonElement);
const files = element('files', HTMLInputElement);
const invert = element('invert', HTMLInputElement);
const answers = element('answers', HTMLOListElement);
const answersSection = element('answers-section', HTMLElement);
const said = element('said', HTMLElement);
const problem = element('problem', HTMLElement);
const live = element('live', HTMLElement);
const openCamera = element('open-camera', HTMLButtonElement);
const closeCamera = element('close-camera', HTMLButtonElement);
const video = element('video', HTMLVideoElement);

let predictor: Predictor;

const parts = { section: element('camera', HTMLElement), video, turn: element('turn', HTMLButtonElement) };
const camera = new Camera(parts, async () => {
  live.textContent = inWords(await predictor.classify(pixelsOf(video), invert.checked));
});

/** Puts an answer in front of the others. */
function show(name: string, words: string, picture: HTMLElement | null = null, more: HTMLElement | null = null): void {
  const [item, text, title, best] = ['li', 'div', 'p', 'p'].map((tag) => document.createElement(tag)) as [
    HTMLElement,
    HTMLElement,
    HTMLElement,
    HTMLElement,
  ];
  item.className = picture ? 'card answer' : 'card failed';
  title.className = 'muted name';
  title.textContent = name;
  best.className = 'best';
  best.textContent = words;
  picture?.setAttribute('aria-label', name);
  text.append(title, best, ...(more ? [more] : []));
  item.append(...(picture ? [picture] : []), text);
  answers.prepend(item);
  answersSection.hidden = false;
  said.textContent = `${name}: ${words}`;
}

async function answer(name: string, picture: ImageBitmap | HTMLVideoElement): Promise<void> {
  const given = await predictor.classify(pixelsOf(picture), invert.checked);
  show(name, inWords(given), thumbnail(picture), bars(given));
}

/** One after another: the last one stands in front. */
let work: Promise<void> = Promise.resolve();

function take(given: Iterable<File>): void {
  for (const file of given) {
    work = work.then(async () => {
      try {
        const picture = await readPicture(file);
        await answer(file.name, picture);
        picture.close();
      } catch (error) {
        show(file.name, (error as Error).message);
      }
    });
  }
}

/** Runs what a button does; what goes wrong is told. */
function attempt(action: () => Promise<void>): void {
  problem.hidden = true;
  action().catch((error: Error) => {
    problem.textContent = error.message;
    problem.hidden = false;
  });
}

function on(button: HTMLButtonElement, action: () => Promise<void>): void {
  button.addEventListener('click', () => attempt(action));
}

choose.addEventListener('click', () => files.click());
files.addEventListener('change', () => {
  take([...(files.files ?? [])]);
  files.value = '';
});
on(openCamera, async () => {
  await camera.open();
  openCamera.hidden = true;
  closeCamera.focus();
});
on(closeCamera, async () => {
  camera.close();
  openCamera.hidden = false;
  openCamera.focus();
});
on(parts.turn, () => camera.turn());
on(element('take', HTMLButtonElement), () => answer(`Camera, ${new Date().toLocaleTimeString()}`, video));
on(element('clear', HTMLButtonElement), async () => {
  answers.replaceChildren();
  answersSection.hidden = true;
  choose.focus();
});
addEventListener('paste', ({ clipboardData }) => take(clipboardData?.files ?? []));
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
  take(event.dataTransfer?.files ?? []);
});

/** @throws if the page has no such element of that kind */
function element<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`the page has no ${kind.name} #${id}`);
}

function describe({ signature: { input, output }, metadata }: Predictor): void {
  const names = output.names ?? [];
  const things = { values: 'values', scores: 'labels', logits: 'classes', probabilities: 'classes' }[output.kind];
  const shown = names.length > 12 ? [...names.slice(0, 12), '…'] : names;
  const listed = shown.length > 0 ? `: ${shown.join(', ')}` : '';
  element('about', HTMLElement).textContent = `This model knows ${output.size} ${things}${listed}.`;
  const { testAccuracy, testLabelAccuracy, license } = metadata;
  const share = testAccuracy ?? testLabelAccuracy;
  const facts = [
    ...(share ? [`It was right on ${(100 * Number(share)).toFixed(1)} % of its test pictures.`] : []),
    ...(license ? [`Licence of the weights: ${license}.`] : []),
  ];
  element('facts', HTMLElement).textContent = facts.join(' ');
  element('invert-label', HTMLElement).hidden = input.image?.channels !== 1;
}

async function start(): Promise<void> {
  predictor = await startPredictor();
  describe(predictor);
  choose.disabled = false;
  openCamera.disabled = false;
  openCamera.hidden = !hasCamera;
  document.body.dataset.state = 'ready';
  // Without a worker of this kind, the page needs the network.
  await navigator.serviceWorker?.register(new URL('offline.js', import.meta.url)).catch(() => {});
}

attempt(start);
