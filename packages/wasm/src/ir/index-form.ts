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

/** How often the innermost of some loops runs. */
export function iterationsOf(loops: readonly Loop[]): number {
  return loops.reduce((n, { extent }) => n * extent, 1);
}

export interface Term {
  readonly loop: Loop;
  /** Not zero. */
  readonly coefficient: number;
}

const none: readonly Term[] = [];

export class Index {
  readonly constant: number;
  /** One for each loop. */
  readonly terms: readonly Term[];

  constructor(constant: number, terms = none) {
    this.constant = constant;
    this.terms = terms;
  }

  static of(loop: Loop): Index {
    return new Index(0, [{ loop, coefficient: 1 }]);
  }

  /** Σ factor · index */
  static sum(indices: readonly Index[], factors: readonly number[]): Index {
    let constant = 0;
    const terms: Term[] = [];
    for (let i = 0; i < indices.length; i++) {
      constant += factors[i] * indices[i].constant;
      addTerms(terms, indices[i].terms, factors[i]);
    }
    return new Index(constant, terms);
  }

  plus(other: Index | number): Index {
    if (typeof other === 'number') return other === 0 ? this : new Index(this.constant + other, this.terms);
    if (other.terms.length === 0) return this.plus(other.constant);
    return this.terms.length === 0 ? other.plus(this.constant) : Index.sum([this, other], [1, 1]);
  }

  times(factor: number): Index {
    return factor === 1 ? this : Index.sum([this], [factor]);
  }

  coefficient(loop: Loop): number {
    const { terms } = this;
    for (let i = 0; i < terms.length; i++) if (terms[i].loop === loop) return terms[i].coefficient;
    return 0;
  }

  /** The same at iteration 0 of a loop. */
  without(loop: Loop): Index {
    return new Index(
      this.constant,
      this.terms.filter((term) => term.loop !== loop),
    );
  }

  /** The same with some loops replaced. */
  substitute(replacements: ReadonlyMap<Loop, Index>): Index {
    let constant = this.constant;
    const terms: Term[] = [];
    for (let i = 0; i < this.terms.length; i++) {
      const { loop, coefficient } = this.terms[i];
      const replacement = replacements.get(loop);
      if (!replacement) addTerm(terms, loop, coefficient);
      else {
        constant += coefficient * replacement.constant;
        addTerms(terms, replacement.terms, coefficient);
      }
    }
    return new Index(constant, terms);
  }

  /** Smallest and largest value over all loops. */
  range(): { low: number; high: number } {
    let low = this.constant;
    let high = low;
    for (let i = 0; i < this.terms.length; i++) {
      const { loop, coefficient } = this.terms[i];
      if (coefficient > 0) high += coefficient * (loop.extent - 1);
      else low += coefficient * (loop.extent - 1);
    }
    return { low, high };
  }

  /** Quotient and remainder by `divisor`, or null where they are not affine. */
  divide(divisor: number): { quotient: Index; remainder: Index } | null {
    const whole: Term[] = [];
    const rest: Term[] = [];
    for (let i = 0; i < this.terms.length; i++) {
      const term = this.terms[i];
      if (term.coefficient % divisor === 0) whole.push({ loop: term.loop, coefficient: term.coefficient / divisor });
      else rest.push(term);
    }
    const floor = Math.floor(this.constant / divisor);
    const remainder = new Index(this.constant - floor * divisor, rest);
    const { low, high } = remainder.range();
    return low < 0 || high >= divisor ? null : { quotient: new Index(floor, whole), remainder };
  }

  toString(): string {
    const terms = this.terms.map(({ loop, coefficient: c }) => (c === 1 ? loop.name : `${c}·${loop.name}`));
    if (this.constant !== 0 || terms.length === 0) terms.push(`${this.constant}`);
    return terms.join(' + ');
  }
}

function addTerms(terms: Term[], others: readonly Term[], factor: number): void {
  for (let i = 0; i < others.length; i++) addTerm(terms, others[i].loop, others[i].coefficient * factor);
}

function addTerm(terms: Term[], loop: Loop, coefficient: number): void {
  for (let i = 0; i < terms.length; i++) {
    if (terms[i].loop !== loop) continue;
    const sum = terms[i].coefficient + coefficient;
    if (sum === 0) terms.splice(i, 1);
    else terms[i] = { loop, coefficient: sum };
    return;
  }
  if (coefficient !== 0) terms.push({ loop, coefficient });
}
