// Sizes of loops in a module: a reader of the instructions that `Code` writes, and of no others.

const [block, loop, ifBlock, end] = [0x02, 0x03, 0x04, 0x0b];
/** Instructions with one number: blocks, branches, calls, locals, constants. */
const withNumber = [block, loop, ifBlock, 0x0c, 0x0d, 0x10, 0x20, 0x21, 0x22, 0x41];

/** Bytes of each innermost loop. */
export function innermostLoops(module: Uint8Array): number[] {
  const reader = new Reader(module, 8);
  for (;;) {
    const section = reader.byte();
    const after = reader.number() + reader.at;
    if (section === 10) break;
    reader.at = after;
  }
  return Array.from({ length: reader.number() }, () => loopsOfFunction(reader)).flat();
}

function loopsOfFunction(reader: Reader): number[] {
  const after = reader.number() + reader.at;
  for (let runs = reader.number(); runs > 0; runs--) {
    reader.number();
    reader.byte();
  }
  const sizes: number[] = [];
  const open: { start: number; opcode: number; hasLoop: boolean }[] = [];
  while (reader.at < after) {
    const start = reader.at;
    const opcode = reader.instruction();
    if (opcode === loop) for (const outer of open) outer.hasLoop = true;
    if (opcode === block || opcode === loop || opcode === ifBlock) open.push({ start, opcode, hasLoop: false });
    if (opcode !== end) continue;
    const closed = open.pop();
    if (closed?.opcode === loop && !closed.hasLoop) sizes.push(reader.at - closed.start);
  }
  if (reader.at !== after || open.length > 0) throw new Error('an instruction that is not known here');
  return sizes;
}

class Reader {
  at: number;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  byte(): number {
    return this.#bytes[this.at++];
  }

  /** LEB128, unsigned; signed ones are as long. */
  number(): number {
    let [result, shift] = [0, 0];
    for (;;) {
      const byte = this.byte();
      result |= (byte & 0x7f) << shift;
      shift += 7;
      if (byte < 0x80) return result;
    }
  }

  /** Reads an instruction with what belongs to it. */
  instruction(): number {
    const opcode = this.byte();
    if (opcode === 0xfd) this.#vector(this.number());
    else if (opcode === 0x28 || opcode === 0x2d) this.#address();
    else if (withNumber.includes(opcode)) this.number();
    return opcode;
  }

  #vector(opcode: number): void {
    const isLane = opcode >= 0x54 && opcode <= 0x5b;
    if (opcode <= 0x0b || isLane || opcode === 0x5c || opcode === 0x5d) this.#address();
    if (isLane || (opcode >= 0x15 && opcode <= 0x22)) this.byte();
    if (opcode === 0x0c || opcode === 0x0d) this.at += 16;
  }

  #address(): void {
    this.number();
    this.number();
  }
}
