// A class: its name, its examples, and the button that records more of them while it is held.

/** Milliseconds between examples. */
const pause = 100;

export class ClassCard {
  readonly element: HTMLElement = document.createElement('fieldset');
  readonly examples: Uint8Array[] = [];
  readonly #name = document.createElement('input');
  readonly #count = document.createElement('span');
  readonly #changed: () => void;

  /**
   * @param look what the camera sees; null if it is closed
   * @param changed called when there are more examples, or another name
   */
  constructor(name: string, look: () => Uint8Array | null, changed: () => void, remove: (card: ClassCard) => void) {
    this.#changed = changed;
    this.element.className = 'card class';
    this.#name.value = name;
    this.#name.setAttribute('aria-label', 'Name of the class');
    this.#name.addEventListener('change', changed);
    const record = button('Hold to record');
    const gone = button('Remove');
    gone.setAttribute('aria-label', `Remove ${name}`);
    gone.addEventListener('click', () => remove(this));
    whileHeld(record, () => {
      const pixels = look();
      if (pixels) this.add([pixels]);
    });
    this.element.append(this.#name, this.#count, record, gone);
    this.add([]);
  }

  get name(): string {
    return this.#name.value.trim();
  }

  add(examples: readonly Uint8Array[]): void {
    this.examples.push(...examples);
    this.#count.textContent = `${this.examples.length} examples`;
    this.#changed();
  }
}

function button(text: string): HTMLButtonElement {
  const made = document.createElement('button');
  made.type = 'button';
  made.textContent = text;
  return made;
}

/** Calls `act` again and again while the button is held, by a finger, a mouse or a key. */
function whileHeld(held: HTMLButtonElement, act: () => void): void {
  let timer: ReturnType<typeof setInterval> | undefined;
  const start = () => {
    if (timer !== undefined) return;
    act();
    timer = setInterval(act, pause);
  };
  const stop = () => {
    clearInterval(timer);
    timer = undefined;
  };
  held.addEventListener('pointerdown', (event) => {
    held.setPointerCapture(event.pointerId);
    start();
  });
  held.addEventListener('keydown', ({ key }) => {
    if (key === ' ' || key === 'Enter') start();
  });
  for (const end of ['pointerup', 'pointercancel', 'keyup', 'blur']) held.addEventListener(end, stop);
  held.addEventListener('contextmenu', (event) => event.preventDefault());
}
