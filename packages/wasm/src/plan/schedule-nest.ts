// Chooses how a nest's loops are run, by a static model: never by timing, so that results are the same everywhere.

import { iterationsOf, type Loop } from '../ir/index-form.js';
import { expressionsIn, guardsOf, type Nest, productReads, readsOf } from '../ir/nest.js';
import type { Schedule } from './schedule.js';
import type { Domain } from './steps.js';
import { type Tiles, tileContraction } from './tile-contraction.js';

/**
 * @param choose chooses tiles; without it every loop runs one iteration after the other
 * @param isSmall whether the nest is too small a part of the program for a long search
 */
export function scheduleNest(nest: Nest, domain: Domain, choose?: typeof chooseTiles, isSmall = false): Schedule {
  const vector = chooseVector(nest);
  const fixed = domain === 'groups' ? (nest.outer.find(({ kind }) => kind === 'group') ?? null) : null;
  const tiles = choose?.(nest, vector, fixed, isSmall);
  const plain = (loops: readonly Loop[]) => loops.map((loop) => ({ loop, tile: tiles?.get(loop) ?? 1 }));
  const last = (loops: readonly Loop[]) => [
    ...loops.filter((loop) => loop !== vector || loop.kind === 'lane'),
    ...loops.filter((loop) => loop === vector && loop.kind !== 'lane'),
  ];
  const drive = domain === 'groups' ? 'group' : domain === 'ranges' ? 'range' : 'none';
  const outer = drive === 'group' ? nest.outer : groupsInside(nest, last(nest.outer));
  return { nest, vector, outer: plain(outer), inner: plain(last(nest.inner)), drive };
}

/**
 * Iterations of loops that are written out one after the other.
 *
 * @param fixed a loop that runs one iteration after the other
 */
export function chooseTiles(nest: Nest, vector: Loop | null, fixed: Loop | null, isSmall: boolean): Tiles {
  return (isSmall ? null : tileContraction(nest, vector, fixed)) ?? tileOthers(nest, vector, fixed);
}

/** Elements that a second-level cache holds beside others. */
const cached = 65_536;

/**
 * What all groups share stays in cache while a loop over them runs inside the others; where it is products apart, such as
 * those of a transform's points, and what one of them needs is little, inside the loops over these alone.
 */
function groupsInside(nest: Nest, loops: readonly Loop[]): Loop[] {
  const groups = loops.filter(({ kind }) => kind === 'group' || kind === 'lane');
  const others = loops.filter((loop) => !groups.includes(loop));
  const reads = nest.statements.length === 1 ? productReads(nest.statements[0]) : null;
  const apart = others.findIndex((loop) => reads?.some(({ index }) => index.coefficient(loop) === 0));
  const own = [...others.slice(apart), ...nest.inner];
  const isLittle = reads?.some(({ index }) => {
    const mine = own.filter((loop) => index.coefficient(loop) !== 0);
    return groups.every((loop) => index.coefficient(loop) === 0) && iterationsOf(mine) <= cached;
  });
  if (apart < 1 || !isLittle) return [...others, ...groups];
  return [...others.slice(0, apart), ...groups, ...others.slice(apart)];
}

/**
 * The last outer loop a few times in a row: sums do not wait for each other, and what is the same in all iterations is
 * computed once. Also loops of two that are summed over: they are there because something is the same in both.
 */
function tileOthers({ outer, inner, statements }: Nest, vector: Loop | null, fixed: Loop | null): Tiles {
  const pairs = inner.filter((loop) => loop.extent === 2 && loop.kind === undefined && loop !== vector).slice(-1);
  const nodes = new Set(statements.flatMap(({ value }) => expressionsIn(value))).size * 2 ** pairs.length;
  const most = Math.min(inner.length > 0 ? Math.floor(6 / statements.length) : 4, Math.floor(60 / nodes));
  const tiles = new Map(pairs.map((loop) => [loop, 2]));
  const loop = outer.filter((loop) => loop !== fixed && loop !== vector && loop.kind === undefined).at(-1);
  if (!loop || statements.some(({ accumulates }) => accumulates)) return tiles;
  const size = Array.from({ length: most }, (_, i) => most - i).find((n) => loop.extent % n === 0);
  return size === undefined ? tiles : tiles.set(loop, size);
}

/** Instructions for four lanes, by elements between them; five for other distances. */
const loadsOf: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 3 };

/** Sums shorter than this would mostly add up lanes at their end. */
const shortestSum = 8;

/** The lane loop; else the loop along which memory is nearest, if that is worth it. */
function chooseVector(nest: Nest): Loop | null {
  const lane = [...nest.outer, ...nest.inner].find(({ kind }) => kind === 'lane');
  if (lane) return lane;
  let best: { loop: Loop | null; cost: number } = { loop: null, cost: 1 };
  const accesses = [...readsOf(nest), ...nest.statements.map(({ target }) => target)];
  const guarded = new Set(
    nest.statements.flatMap(guardsOf).flatMap(({ index }) => index.terms.map(({ loop }) => loop)),
  );
  const candidates = [...nest.outer, ...nest.inner.filter(({ extent }) => extent >= shortestSum)];
  for (const loop of candidates.filter((loop) => !guarded.has(loop) && isPossible(nest, loop))) {
    const each = accesses.map(({ index }) => loadsOf[index.coefficient(loop)] ?? 5);
    const vectors = Math.ceil(loop.extent / 4) / loop.extent;
    const cost = (vectors * each.reduce((a, b) => a + b, 2)) / (accesses.length + 2);
    if (cost < best.cost) best = { loop, cost };
  }
  return best.loop;
}

/** Lanes need the same guards, distinct places to write, and no order among them. */
function isPossible(nest: Nest, loop: Loop): boolean {
  const isInner = nest.inner.includes(loop);
  return nest.statements.every(({ target, reduction, accumulates, position }) => {
    // Ranges are cut from the first loop, and loops in lanes come last.
    if (accumulates && (target.index.coefficient(loop) === 0 || loop === nest.outer[0])) return false;
    return !(isInner && (reduction === 'argmax' || position !== undefined));
  });
}
