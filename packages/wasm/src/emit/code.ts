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
const zeros = [0xfd, 0x0c, ...new Array<number>(16).fill(0)];

/** Adds the LEB128 of an integer below 2³² to `bytes`. */
export function unsigned(n: number, bytes: number[] = []): number[] {
  while (n >= 128) {
    bytes.push((n & 127) | 128);
    n >>>= 7;
  }
  bytes.push(n);
  return bytes;
}

/**
 * A byte; `localReference` and the number of a local; `laterReference` and the number of what is called later; or −1 less
 * the number of a local that begins here.
 */
type Item = number;
const localReference = 256;
const laterReference = 2 ** 24;

/** Of an address; or what gives it once all code is known. */
export type Offset = number | (() => number);

export class Code {
  /** Whether a multiplication and an addition may be one instruction that rounds once. */
  readonly relaxed: boolean;
  readonly #parameters: number;
  /** What is not bytes yet; null once all is. */
  #items: Item[] | null = [];
  readonly #later: (() => void)[] = [];
  readonly #bytes: number[] = [];
  /** Where instructions go now. */
  #into: number[] = this.#items!;
  /** By number that `local` gave; and those in the order in which they come. */
  readonly #types: ValueType[] = [];
  readonly #final: number[] = [];
  readonly #locals: ValueType[] = [];

  constructor(parameters: number, relaxed: boolean) {
    this.#parameters = parameters;
    this.relaxed = relaxed;
  }

  local(type: ValueType): number {
    this.#types.push(type);
    const local = this.#types.length - 1;
    if (this.#items) this.#items.push(-1 - local);
    else this.#begin(local);
    return this.#parameters + local;
  }

  get(local: number): void {
    this.#putLocal(getLocal, local);
  }
  set(local: number): void {
    this.#putLocal(setLocal, local);
  }
  tee(local: number): void {
    this.#putLocal(teeLocal, local);
  }
  /** Instructions at this place that are known once all others are: `emit` is called then. */
  later(emit: () => void): void {
    if (this.#items) this.#items.push(laterReference + this.#later.push(emit) - 1);
    else emit();
  }
  constant(n: number): void {
    this.#into.push(i32Const);
    this.#putSigned(n | 0);
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
    this.#into.push(0xfd, 0x1b, lane);
  }
  /** Four of the eight lanes of the two vectors on the stack. */
  shuffle(lanes: readonly number[]): void {
    this.vector(vector.shuffle);
    for (const lane of lanes) this.#into.push(4 * lane, 4 * lane + 1, 4 * lane + 2, 4 * lane + 3);
  }
  /** A vector of zeros. */
  zero(): void {
    this.#into.push(...zeros);
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

  /** Makes bytes of all there is; what is called from now on adds to them. */
  settle(): void {
    const items = this.#items ?? [];
    const bytes = this.#bytes;
    this.#items = null;
    this.#into = bytes;
    for (let i = 0; i < items.length; i++) {
      const item = items[i];
      if (item < 0) this.#begin(-1 - item);
      else if (item < localReference) bytes.push(item);
      else if (item < laterReference) unsigned(this.#numberOf(item - localReference), bytes);
      else this.#later[item - laterReference]();
    }
  }

  /** The function as the code section holds it. */
  encode(): Uint8Array {
    this.settle();
    const runs: [count: number, type: ValueType][] = [];
    for (const type of this.#locals) {
      const last = runs.at(-1);
      if (last?.[1] === type) last[0]++;
      else runs.push([1, type]);
    }
    const locals = [...unsigned(runs.length), ...runs.flatMap(([count, type]) => [...unsigned(count), type])];
    const head = [...unsigned(locals.length + this.#bytes.length + 1), ...locals];
    const body = new Uint8Array(head.length + this.#bytes.length + 1);
    body.set(head);
    body.set(this.#bytes, head.length);
    body[body.length - 1] = end;
    return body;
  }

  #begin(local: number): void {
    this.#final[local] = this.#parameters + this.#locals.length;
    this.#locals.push(this.#types[local]);
  }

  #numberOf(local: number): number {
    return local < this.#parameters ? local : this.#final[local - this.#parameters];
  }

  #putLocal(opcode: number, local: number): void {
    if (this.#items) this.#items.push(opcode, localReference + local);
    else this.#putNumber(opcode, this.#numberOf(local));
  }

  #putOffset(before: number, offset: Offset): void {
    if (typeof offset === 'number') this.#putNumber(before, offset);
    else this.later(() => this.#putNumber(before, offset()));
  }

  #put(byte: number): void {
    this.#into.push(byte);
  }

  #putNumber(byte: number, n: number): void {
    this.#into.push(byte);
    unsigned(n, this.#into);
  }

  /** LEB128, of a 32-bit integer. */
  #putSigned(n: number): void {
    while (n < -64 || n >= 64) {
      this.#into.push((n & 127) | 128);
      n >>= 7;
    }
    this.#into.push(n & 127);
  }
}
