// Where the time of a training step goes: what `profile` finds, and its sums by layer and direction.

import type { Direction, Origin, Phase, Report } from '@bn/core';
import type { RunDescription } from '../run-record.js';

/** Steps before those that count: engines compile what runs often, memory is asked for. */
export const warmUpSteps = 10;

export interface ProfileRecord extends Pick<RunDescription, 'model' | 'data' | 'backend' | 'device' | 'engine'> {
  readonly batchSize: number;
  /** Steps that count. */
  readonly steps: number;
  /** Seconds that the step's graph took to compile. */
  readonly compileSeconds: number;
  /** Mean wall time of a step, in seconds: with its batch, copies to and from the backend, and the check of its loss. */
  readonly stepSeconds: number;
  /** Medians with and without profiling; steps of both were taken in turn. */
  readonly medianSeconds: { readonly profiled: number; readonly plain: number };
  /** Layers in the order of the network; last the empty path, for what is computed outside all layers. */
  readonly layers: readonly string[];
  /** Of the step's graph. */
  readonly report: Report;
}

/** A layer in one direction. */
export interface Share {
  /** Of one step. */
  readonly seconds: number;
  /** Floating-point operations a second in the phases where they are known; null if there is none. */
  readonly rate: number | null;
}

export interface LayerShares {
  /** Null for what the backend cannot tell the layer of. */
  readonly layer: string | null;
  /** `fused`: computed within phases of other layers, or other directions. Null: there is nothing of the kind. */
  readonly directions: Readonly<Record<Direction, Share | 'fused' | null>>;
  readonly seconds: number;
}

export const directions: readonly Direction[] = ['forward', 'backward', 'update'];

/** The shares of all layers that have any: their sum is that of all phases. */
export function layerShares({ layers, report }: Pick<ProfileRecord, 'layers' | 'report'>): LayerShares[] {
  const shares = layers.map((layer): LayerShares => {
    const found = directions.map((direction) => [direction, shareOf(report, { layer, direction })] as const);
    return { layer, directions: Object.fromEntries(found) as LayerShares['directions'], seconds: sumOf(found) };
  });
  const others = report.phases.filter(({ origins }) => origins.length === 0);
  const unknown = summed(others, report.runs);
  const nothing = { forward: null, backward: null, update: null };
  return [
    ...shares.filter(({ directions }) => Object.values(directions).some((share) => share !== null)),
    ...(unknown.seconds > 0 ? [{ layer: null, directions: nothing, seconds: unknown.seconds }] : []),
  ];
}

function sumOf(shares: readonly (readonly [Direction, Share | 'fused' | null])[]): number {
  return shares.reduce((sum, [, share]) => sum + (share === null || share === 'fused' ? 0 : share.seconds), 0);
}

function shareOf({ phases, runs }: Report, { layer, direction }: Origin): Share | 'fused' | null {
  const isHere = (origin: Origin | undefined) => origin?.layer === layer && origin.direction === direction;
  const own = phases.filter(({ origins }) => isHere(origins[0]));
  if (own.length > 0) return summed(own, runs);
  return phases.some(({ origins }) => origins.some(isHere)) ? 'fused' : null;
}

function summed(phases: readonly Phase[], runs: number): Share {
  const seconds = phases.reduce((sum, phase) => sum + phase.seconds, 0) / runs;
  const counted = phases.filter(({ operations }) => operations !== undefined);
  return { seconds, rate: rateOf(counted, runs) };
}

/** Floating-point operations a second; null where none are known, or no time was measured. */
export function rateOf(phases: readonly Phase[], runs: number): number | null {
  const seconds = phases.reduce((sum, phase) => sum + phase.seconds, 0) / runs;
  const operations = phases.reduce((sum, phase) => sum + (phase.operations ?? 0), 0);
  return operations > 0 && seconds > 0 ? operations / seconds : null;
}

/** Seconds of a step: in phases, else in the graph's run, and around it. They add up to `stepSeconds`. */
export function partsOf({ stepSeconds, report }: ProfileRecord): { phases: number; waiting: number; around: number } {
  const phases = report.phases.reduce((sum, phase) => sum + phase.seconds, 0) / report.runs;
  const run = report.seconds / report.runs;
  return { phases, waiting: run - phases, around: stepSeconds - run };
}
