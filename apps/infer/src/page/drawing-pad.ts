// A black ground to draw on in white, by mouse, finger or pen.

/** Pixels of the canvas along its longer side; on the screen it may be of any size. */
const resolution = 448;

/** Steps that can be undone. */
const history = 20;

export class DrawingPad {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #changed: () => void;
  readonly #past: ImageData[] = [];
  #isTouched = false;
  /** Width of a line, as a share of the pad. */
  penWidth = 0.05;
  /** Draws in black. */
  erases = false;

  /** @param changed called after each stroke's piece, and whatever else changes the picture */
  constructor(canvas: HTMLCanvasElement, changed: () => void) {
    this.#canvas = canvas;
    this.#context = canvas.getContext('2d', { willReadFrequently: true })!;
    this.#changed = changed;
    this.reshape(1, 1);
    canvas.addEventListener('pointerdown', (event) => this.#begin(event));
  }

  /** Whether there is nothing on it. */
  get isEmpty(): boolean {
    return !this.#isTouched;
  }

  get canUndo(): boolean {
    return this.#past.length > 0;
  }

  /** Takes the proportions of a model's input, and clears. */
  reshape(width: number, height: number): void {
    const scale = resolution / Math.max(width, height);
    this.#canvas.width = Math.round(width * scale);
    this.#canvas.height = Math.round(height * scale);
    this.#past.length = 0;
    this.#fill();
  }

  clear(): void {
    this.#remember();
    this.#fill();
    this.#changed();
  }

  undo(): void {
    const picture = this.#past.pop();
    if (!picture) return;
    this.#context.putImageData(picture, 0, 0);
    this.#isTouched = this.#past.length > 0;
    this.#changed();
  }

  /** Shows a picture, stretched to the pad as the server stretches it to the model's input. */
  show(picture: ImageBitmap, inverted: boolean): void {
    const { width, height } = this.#canvas;
    this.#remember();
    this.#fill(inverted ? '#fff' : '#000');
    this.#context.drawImage(picture, 0, 0, width, height);
    if (inverted) {
      const pixels = this.#context.getImageData(0, 0, width, height);
      for (let i = 0; i < pixels.data.length; i++) if (i % 4 !== 3) pixels.data[i] = 255 - pixels.data[i]!;
      this.#context.putImageData(pixels, 0, 0);
    }
    this.#isTouched = true;
    this.#changed();
  }

  /** The picture as a PNG file. */
  file(): Promise<Blob> {
    return new Promise((resolve) => this.#canvas.toBlob((blob) => resolve(blob!), 'image/png'));
  }

  #fill(colour = '#000'): void {
    this.#context.fillStyle = colour;
    this.#context.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
    this.#isTouched = false;
  }

  #remember(): void {
    this.#past.push(this.#context.getImageData(0, 0, this.#canvas.width, this.#canvas.height));
    if (this.#past.length > history) this.#past.shift();
  }

  #begin(event: PointerEvent): void {
    if (!event.isPrimary || event.button !== 0) return;
    this.#remember();
    const { pointerId } = event;
    let from = this.#at(event);
    const line = (to: [number, number]) => {
      this.#line(from, to);
      from = to;
    };
    // Pens and fast mice have been at more places than there are events.
    const move = (event: PointerEvent) => {
      if (event.pointerId !== pointerId) return;
      const events = event.getCoalescedEvents?.() ?? [];
      for (const part of events.length > 0 ? events : [event]) line(this.#at(part));
    };
    const end = (event: PointerEvent) => {
      if (event.pointerId !== pointerId) return;
      this.#canvas.removeEventListener('pointermove', move);
      this.#canvas.removeEventListener('pointerup', end);
      this.#canvas.removeEventListener('pointercancel', end);
    };
    this.#canvas.setPointerCapture(pointerId);
    this.#canvas.addEventListener('pointermove', move);
    this.#canvas.addEventListener('pointerup', end);
    this.#canvas.addEventListener('pointercancel', end);
    line(from);
  }

  #at({ clientX, clientY }: PointerEvent): [number, number] {
    const { left, top, width, height } = this.#canvas.getBoundingClientRect();
    return [((clientX - left) / width) * this.#canvas.width, ((clientY - top) / height) * this.#canvas.height];
  }

  #line(from: [number, number], to: [number, number]): void {
    const context = this.#context;
    context.strokeStyle = this.erases ? '#000' : '#fff';
    context.lineWidth = this.penWidth * resolution;
    context.lineCap = 'round';
    context.beginPath();
    context.moveTo(...from);
    // A line without length would be none, and not a dot.
    context.lineTo(to[0] + 0.01, to[1]);
    context.stroke();
    this.#isTouched = true;
    this.#changed();
  }
}
