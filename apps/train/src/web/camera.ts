// The camera: what it sees, again and again, until it is closed.

/** Milliseconds between looks. */
const pause = 150;

export interface CameraParts {
  readonly section: HTMLElement;
  readonly video: HTMLVideoElement;
  readonly turn: HTMLButtonElement;
}

/** Browsers have cameras on pages of https, and of this machine. */
export const hasCamera: boolean = 'mediaDevices' in navigator;

export class Camera {
  readonly #parts: CameraParts;
  readonly #look: () => Promise<void>;
  #stream: MediaStream | null = null;
  #facing: 'environment' | 'user' = 'environment';

  /** @param look called with a pause between, while the camera is open and the page is seen */
  constructor(parts: CameraParts, look: () => Promise<void>) {
    this.#parts = parts;
    this.#look = look;
  }

  /** @throws Error if the user does not allow it, or there is none */
  async open(): Promise<void> {
    this.#release();
    const stream = await navigator.mediaDevices
      .getUserMedia({ video: { facingMode: this.#facing } })
      .catch(({ name }) => {
        throw new Error(
          name === 'NotAllowedError'
            ? 'The camera is not allowed for this page. Allow it beside the address, and try again.'
            : 'There is no camera, or another program uses it.',
        );
      });
    const { section, video, turn } = this.#parts;
    this.#stream = stream;
    section.hidden = false;
    video.srcObject = stream;
    await video.play();
    const cameras = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === 'videoinput');
    turn.hidden = cameras.length < 2;
    void this.#watch(stream);
  }

  /** Takes the camera on the other side of a phone. */
  async turn(): Promise<void> {
    this.#facing = this.#facing === 'user' ? 'environment' : 'user';
    await this.open();
  }

  close(): void {
    this.#release();
    this.#parts.section.hidden = true;
  }

  #release(): void {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
  }

  async #watch(stream: MediaStream): Promise<void> {
    while (this.#stream === stream) {
      if (!document.hidden) await this.#look();
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}
