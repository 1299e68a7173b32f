// What memory holds from the start.

/** Numbers, or what makes them once there is memory for them: of large networks they are held only once. */
export type Constant = ArrayLike<number> | Derived;

/** Numbers that are made from those of another constant. */
export class Derived {
  readonly length: number;
  /** Writes all numbers. */
  readonly write: (to: Float32Array) => void;

  constructor(length: number, write: (to: Float32Array) => void) {
    this.length = length;
    this.write = write;
  }

  /** Those that are shown where a graph is printed. */
  subarray(start: number, end: number): ArrayLike<number> {
    return (numbersOf(this) as Float32Array).subarray(start, end);
  }
}

export function numbersOf(constant: Constant): ArrayLike<number> {
  if (!(constant instanceof Derived)) return constant;
  const numbers = new Float32Array(constant.length);
  constant.write(numbers);
  return numbers;
}

const known = new WeakMap<Constant, Map<unknown, Derived>>();

/** What is derived in the way that `key` tells from others: once, so that all programs that read it share it. */
export function derivedOnce(constant: Constant, key: unknown, derive: () => Derived): Derived {
  const all = known.get(constant) ?? new Map<unknown, Derived>();
  known.set(constant, all);
  const made = all.get(key) ?? derive();
  all.set(key, made);
  return made;
}
