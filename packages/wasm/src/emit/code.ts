// The instructions of one WebAssembly function, as bytes, with its local variables.

/** Value types of locals. */
export const i32 = 0x7f;
export const v128 = 0x7b;
export type ValueType = typeof i32 | typeof v128;

/** Instructions on 32-bit integers. */
export const scalar = {
  eqz: 0x45,
  ltS: 0x48,
  ltU: 0x49,
  gtS: 0x4a,
  geS: 0x4e,
  add: 0x6a,
  sub: 0x6b,
  mul: 0x6c,
  divU: 0x6e,
  and: 0x71,
  select: 0x1b,
} as const;

/** Instructions on vectors (prefix 0xfd). */
export const vector = {
  load: 0x00,
  load32Splat: 0x09,
  store: 0x0b,
  shuffle: 0x0d,
  splatI32: 0x11,
  eqI32: 0x37,
  neI32: 0x38,
  ltI32: 0x39,
  gtI32: 0x3b,
  eq: 0x41,
  ne: 0x42,
  lt: 0x43,
  gt: 0x44,
  and: 0x4e,
  or: 0x50,
  xor: 0x51,
  bitselect: 0x52,
  load8Lane: 0x54,
  load32Lane: 0x56,
  store8Lane: 0x58,
  store32Lane: 0x5a,
  load32Zero: 0x5c,
  load64Zero: 0x5d,
  nearest: 0x6a,
  extendLowU8: 0x89,
  extendLowU16: 0xa9,
  negI32: 0xa1,
  shlI32: 0xab,
  shrI32: 0xac,
  addI32: 0xae,
  subI32: 0xb1,
  mulI32: 0xb5,
  minI32: 0xb6,
  maxI32: 0xb8,
  neg: 0xe1,
  sqrt: 0xe3,
  add: 0xe4,
  sub: 0xe5,
  mul: 0xe6,
  div: 0xe7,
  min: 0xe8,
  max: 0xe9,
  pmin: 0xea,
  pmax: 0xeb,
  toInteger: 0xf8,
  toFloat: 0xfa,
} as const;

const relaxedMultiplyAdd = 0x105;
const [getLocal, setLocal, teeLocal, i32Const, callFunction] = [0x20, 0x21, 0x22, 0x41, 0x10];
const [block, loop, ifBlock, elseBlock, end, branch, branchIf] = [0x02, 0x03, 0x04, 0x05, 0x0b, 0x0c, 0x0d];
const noResult = 0x40;

/** Adds the LEB128 of an integer below 2³² to `bytes`. */
export function unsigned(n: number, bytes: number[] = []): number[] {
  while (n >= 128) {
    bytes.push((n & 127) | 128);
    n >>>= 7;
  }
  bytes.push(n);
  return bytes;
}

/** Bytes of an offset's LEB128 that is not known yet: as many as any may take. */
const offsetBytes = 5;

/** Of an address; `low` may change until all code is there, and is subtracted. */
export type Offset = number | { readonly pointer: { readonly low: number }; readonly offset: number };

export class Code {
  /** Whether a multiplication and an addition may be one instruction that rounds once. */
  readonly relaxed: boolean;
  readonly #parameters: number;
  readonly #locals: ValueType[] = [];
  #bytes = new Uint8Array(2048);
  #size = 0;
  /** What comes in between, and where. */
  readonly #later: { readonly at: number; readonly emit: () => void }[] = [];
  /** Offsets that are not known yet, and where there is room for them. */
  readonly #offsets: { readonly at: number; readonly offset: Exclude<Offset, number> }[] = [];

  constructor(parameters: number, relaxed: boolean) {
    this.#parameters = parameters;
    this.relaxed = relaxed;
  }

  local(type: ValueType): number {
    return this.#parameters + this.#locals.push(type) - 1;
  }

  get(local: number): void {
    this.#putNumber(getLocal, local);
  }
  set(local: number): void {
    this.#putNumber(setLocal, local);
  }
  tee(local: number): void {
    this.#putNumber(teeLocal, local);
  }
  /** Instructions at this place that are known once all others are: `emit` is called then. */
  later(emit: () => void): void {
    this.#later.push({ at: this.#size, emit });
  }
  constant(n: number): void {
    this.#put(i32Const);
    let rest = n | 0;
    for (; rest < -64 || rest >= 64; rest >>= 7) this.#put((rest & 127) | 128);
    this.#put(rest & 127);
  }
  /** An instruction on integers. */
  scalar(opcode: number): void {
    this.#put(opcode);
  }
  vector(opcode: number): void {
    this.#putNumber(0xfd, opcode);
  }
  /** Reads or writes a vector at the address on the stack + `offset`. */
  memory(opcode: number, offset: Offset): void {
    this.#putNumber(0xfd, opcode);
    this.#putOffset(0, offset);
  }
  /** Reads or writes one lane. */
  memoryLane(opcode: number, offset: Offset, lane: number): void {
    this.memory(opcode, offset);
    this.#put(lane);
  }
  loadI32(offset: number): void {
    this.#put(0x28);
    this.#putNumber(2, offset);
  }
  loadByte(offset: Offset): void {
    this.#put(0x2d);
    this.#putOffset(0, offset);
  }
  extractLane(lane: number): void {
    this.#putNumber(0xfd, 0x1b);
    this.#put(lane);
  }
  /** Four of the eight lanes of the two vectors on the stack. */
  shuffle(lanes: readonly number[]): void {
    this.vector(vector.shuffle);
    this.#reserve(16);
    for (let i = 0; i < 16; i++) this.#bytes[this.#size++] = 4 * lanes[i >> 2] + (i & 3);
  }
  /** A vector of zeros. */
  zero(): void {
    this.#putNumber(0xfd, 0x0c);
    this.#reserve(16);
    this.#bytes.fill(0, this.#size, this.#size + 16);
    this.#size += 16;
  }
  /** sum := a · b + sum, of locals. */
  multiplyAdd(a: number, b: number, sum: number): void {
    this.get(a);
    this.get(b);
    if (this.relaxed) {
      this.get(sum);
      this.vector(relaxedMultiplyAdd);
    } else {
      this.vector(vector.mul);
      this.get(sum);
      this.vector(vector.add);
    }
    this.set(sum);
  }
  /** Takes a and b from the stack and leaves a · b + c. */
  multiplyAddTo(c: () => void): void {
    if (!this.relaxed) this.vector(vector.mul);
    c();
    this.vector(this.relaxed ? relaxedMultiplyAdd : vector.add);
  }
  call(index: number): void {
    this.#putNumber(callFunction, index);
  }

  block(body: () => void): void {
    this.#putNumber(block, noResult);
    body();
    this.#put(end);
  }
  loop(body: () => void): void {
    this.#putNumber(loop, noResult);
    body();
    this.#put(end);
  }
  /** Runs `body` as often as a local says, which counts down to zero. */
  countDown(left: number, body: () => void): void {
    this.loop(() => {
      body();
      this.get(left);
      this.constant(-1);
      this.scalar(scalar.add);
      this.tee(left);
      this.branchIf(0);
    });
  }
  /** Runs `body` if the integer on the stack is not zero. */
  if(body: () => void, otherwise?: () => void): void {
    this.#putNumber(ifBlock, noResult);
    body();
    if (otherwise) {
      this.#put(elseBlock);
      otherwise();
    }
    this.#put(end);
  }
  branch(depth: number): void {
    this.#putNumber(branch, depth);
  }
  branchIf(depth: number): void {
    this.#putNumber(branchIf, depth);
  }

  /** The function as the code section holds it; each time with what comes in between made anew. */
  encode(): Uint8Array {
    const ownSize = this.#size;
    // What comes in between stands behind the rest for now.
    const ends = this.#later.map(({ emit }) => {
      emit();
      return this.#size;
    });
    this.#offsets.forEach(({ at, offset: { pointer, offset } }) => {
      this.#fill(at, offset - pointer.low);
    });
    const locals = this.#encodeLocals();
    const size = locals.length + this.#size + 1;
    const head = unsigned(size);
    const body = new Uint8Array(head.length + size);
    let to = 0;
    const append = (bytes: ArrayLike<number>) => {
      body.set(bytes, to);
      to += bytes.length;
    };
    append(head);
    append(locals);
    let done = 0;
    this.#later.forEach(({ at }, i) => {
      append(this.#bytes.subarray(done, at));
      append(this.#bytes.subarray(i === 0 ? ownSize : ends[i - 1], ends[i]));
      done = at;
    });
    append(this.#bytes.subarray(done, ownSize));
    body[to] = end;
    this.#size = ownSize;
    return body;
  }

  /** The instructions alone, as other sections hold them. */
  encodeExpression(): Uint8Array {
    this.#put(end);
    return this.#bytes.slice(0, this.#size);
  }

  /** In runs of one type. */
  #encodeLocals(): number[] {
    const types = this.#locals;
    const runs: number[] = [];
    let count = 0;
    for (let i = 0, first = 0; i < types.length; i++) {
      if (types[i] === types[i + 1]) continue;
      unsigned(i + 1 - first, runs);
      runs.push(types[i]);
      first = i + 1;
      count++;
    }
    return [...unsigned(count), ...runs];
  }

  #put(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#size++] = byte;
  }

  /** A byte and a number, as LEB128. */
  #putNumber(byte: number, n: number): void {
    this.#reserve(6);
    this.#bytes[this.#size++] = byte;
    let rest = n;
    for (; rest >= 128; rest >>>= 7) this.#bytes[this.#size++] = (rest & 127) | 128;
    this.#bytes[this.#size++] = rest;
  }

  #putOffset(before: number, offset: Offset): void {
    if (typeof offset === 'number') {
      this.#putNumber(before, offset);
      return;
    }
    this.#put(before);
    this.#reserve(offsetBytes);
    this.#offsets.push({ at: this.#size, offset });
    this.#size += offsetBytes;
  }

  /** Writes an offset where there is room for it. */
  #fill(at: number, n: number): void {
    let rest = n;
    for (let i = at; i < at + offsetBytes - 1; i++, rest >>>= 7) this.#bytes[i] = (rest & 127) | 128;
    this.#bytes[at + offsetBytes - 1] = rest;
  }

  #reserve(bytes: number): void {
    if (this.#size + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * this.#bytes.length);
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}
