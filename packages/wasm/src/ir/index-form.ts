// Affine index arithmetic: constant + Σ coefficient · loop. Everything that addresses memory is made of these.

/** A loop of a nest: its variable counts from 0 to extent − 1. */
export interface Loop {
  readonly name: string;
  readonly extent: number;
  /**
   * `group` and `lane` are the two parts of the axis that SIMD lanes lie on: index = 4 · group + lane. `chunk` counts
   * groups too, and stands at the first group of the present chunk.
   */
  readonly kind?: 'group' | 'lane' | 'chunk';
  /** Of a group loop: lanes of the last group that hold something, 1 to 4. */
  readonly lastLanes?: number;
}

const none: ReadonlyMap<Loop, number> = new Map();

export class Index {
  readonly constant: number;
  readonly terms: ReadonlyMap<Loop, number>;

  /** @param terms as a map, without zeros */
  constructor(constant: number, terms: Iterable<readonly [Loop, number]> = none) {
    this.constant = constant;
    this.terms = terms instanceof Map ? terms : new Map([...terms].filter(([, coefficient]) => coefficient !== 0));
  }

  static of(loop: Loop): Index {
    return new Index(0, new Map([[loop, 1]]));
  }

  /** Σ factor · index */
  static sum(parts: Iterable<readonly [Index, number]>): Index {
    let constant = 0;
    const terms = new Map<Loop, number>();
    for (const [index, factor] of parts) {
      constant += factor * index.constant;
      for (const [loop, c] of index.terms) {
        const sum = (terms.get(loop) ?? 0) + c * factor;
        if (sum === 0) terms.delete(loop);
        else terms.set(loop, sum);
      }
    }
    return new Index(constant, terms);
  }

  plus(other: Index | number): Index {
    if (typeof other === 'number') return other === 0 ? this : new Index(this.constant + other, this.terms);
    if (other.terms.size === 0) return this.plus(other.constant);
    return Index.sum([
      [this, 1],
      [other, 1],
    ]);
  }

  times(factor: number): Index {
    return factor === 1 ? this : Index.sum([[this, factor]]);
  }

  coefficient(loop: Loop): number {
    return this.terms.get(loop) ?? 0;
  }

  /** The same at iteration 0 of a loop. */
  without(loop: Loop): Index {
    return new Index(
      this.constant,
      [...this.terms].filter(([other]) => other !== loop),
    );
  }

  /** The same with some loops replaced. */
  substitute(replacements: ReadonlyMap<Loop, Index>): Index {
    const parts = [...this.terms].map(([loop, c]) => [replacements.get(loop) ?? Index.of(loop), c] as const);
    return Index.sum(parts).plus(this.constant);
  }

  /** Smallest and largest value over all loops. */
  range(): [number, number] {
    let [low, high] = [this.constant, this.constant];
    for (const [{ extent }, c] of this.terms) {
      if (c > 0) high += c * (extent - 1);
      else low += c * (extent - 1);
    }
    return [low, high];
  }

  /** Quotient and remainder by `divisor`, or null where they are not affine. */
  divide(divisor: number): { quotient: Index; remainder: Index } | null {
    const whole = [...this.terms].filter(([, c]) => c % divisor === 0);
    const rest = [...this.terms].filter(([, c]) => c % divisor !== 0);
    const floor = Math.floor(this.constant / divisor);
    const remainder = new Index(this.constant - floor * divisor, rest);
    const [low, high] = remainder.range();
    if (low < 0 || high >= divisor) return null;
    return {
      quotient: new Index(
        floor,
        whole.map(([loop, c]) => [loop, c / divisor]),
      ),
      remainder,
    };
  }

  toString(): string {
    const terms = [...this.terms].map(([{ name }, c]) => (c === 1 ? name : `${c}·${name}`));
    if (this.constant !== 0 || terms.length === 0) terms.push(`${this.constant}`);
    return terms.join(' + ');
  }
}
