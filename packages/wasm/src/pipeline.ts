// The way of a graph through the compiler, up to where instructions begin: all passes in the order in which they run.

import { type Graph, printGraph, type Tensor } from '@bn/core';
import { channelsLast } from './analysis/channels-last.js';
import { chooseLaneAxes, type LaneAxes } from './analysis/lane-axes.js';
import { chooseStorage } from './analysis/storage.js';
import { type Nest, printNest } from './ir/nest.js';
import { type Lowered, lower } from './lower/lowering.js';
import { lifeOf } from './plan/memory-plan.js';
import { chooseTiles } from './plan/schedule-nest.js';
import { planSteps, printSteps, type Step } from './plan/steps.js';
import { blockSums } from './reshape/block-sums.js';
import { collapseLoops } from './reshape/collapse-loops.js';
import { mergeNests } from './reshape/merge-nests.js';
import { packConstants } from './reshape/pack-constants.js';
import { splitIntoPartialSums } from './reshape/partial-sums.js';
import { bindBatch } from './rewrite/bind-batch.js';
import { factorProducts } from './rewrite/factor-products.js';
import { padConvolution } from './rewrite/pad-convolution.js';
import { type Replacement, replaceNodes } from './rewrite/replace-nodes.js';
import { shareMatrix } from './rewrite/shared-matrix.js';
import { splitSums } from './rewrite/split-sums.js';
import { winograd } from './rewrite/winograd.js';

/** What passes do, by the stage that they are of. Stages run in this order. */
interface Stages {
  /** Makes another graph that computes the same. */
  graph: (graph: Graph) => Graph;
  /** Chooses the axis in SIMD lanes: before and after `nodes`. Without it everything is row-major. */
  lanes: (graph: Graph, rows: Tensor | null) => LaneAxes;
  /** Chooses images that lie in memory with their channels side by side. If there are any, no axis gets the lanes. */
  images: (graph: Graph) => ReadonlySet<Tensor>;
  /** Replaces single nodes: one walk through the graph for all passes, at each node one after the other. */
  nodes: (lanes: LaneAxes) => Replacement;
  /** Makes other nests that compute the same. */
  nests: (nests: readonly Nest[]) => Nest[];
  /** Makes other nests of those that run in one step. */
  step: (nests: readonly Nest[]) => Nest[];
  /** Chooses loops that are written out. Without it none are. */
  tiles: typeof chooseTiles;
  /** Says how long memory is needed. Without it, it is for ever. */
  memory: typeof lifeOf;
}

type PassOf<Stage extends keyof Stages> = {
  readonly name: string;
  readonly stage: Stage;
  /** What is gained. */
  readonly why: string;
  readonly run: Stages[Stage];
};

const pipeline = [
  {
    name: 'factors',
    stage: 'graph',
    why: 'factors that are equal for many elements are multiplied first and taken out of sums; divisions by them become multiplications',
    run: factorProducts,
  },
  {
    name: 'lanes',
    stage: 'lanes',
    why: 'the axis through which most arithmetic runs, as a rule the batch, gets the SIMD lanes: four images at a time',
    run: chooseLaneAxes,
  },
  {
    name: 'channels',
    stage: 'images',
    why: 'predictions for fewer images than lanes: the channels of an image lie side by side, and get the lanes loop by loop',
    run: channelsLast,
  },
  {
    name: 'matrix',
    stage: 'nodes',
    why: 'products with one matrix for all leading indices read it as it is, in place of copies',
    run: () => shareMatrix,
  },
  {
    name: 'pad',
    stage: 'nodes',
    why: 'convolutions on padded copies of images, so that loops need no tests at the edges',
    run: () => padConvolution,
  },
  {
    name: 'split',
    stage: 'nodes',
    why: "sums over the axis in lanes and others in two parts; mean and variance from one pass over the data, by Chan's formula",
    run: splitSums,
  },
  {
    name: 'winograd',
    stage: 'nodes',
    why: 'convolutions with stride 1 and kernels 3 or 5 wide by transforms along rows, of 3 × 3 also along columns, in all three directions, where the products saved outweigh the transforms; filters that are constants are transformed at compilation',
    run: winograd,
  },
  {
    name: 'parts',
    stage: 'nests',
    why: 'filter gradients summed per chunk of groups, next to what makes their operands',
    run: splitIntoPartialSums,
  },
  {
    name: 'blocks',
    stage: 'nests',
    why: 'filter gradients too large for that, and products down the columns of large matrices: long sums cut into blocks, so that what many results share stays in cache',
    run: blockSums,
  },
  {
    name: 'pack',
    stage: 'nests',
    why: 'filters that are constants lie in the order in which their products are added, results side by side in lanes',
    run: packConstants,
  },
  {
    name: 'merge',
    stage: 'step',
    why: 'nests over the same loops that read the same memory are one, so that it is read once',
    run: mergeNests,
  },
  {
    name: 'collapse',
    stage: 'step',
    why: 'loops in each other that move alike through all memory are one: longer vectors, fewer ends of loops',
    run: collapseLoops,
  },
  {
    name: 'tiles',
    stage: 'tiles',
    why: 'several results of a sum of products side by side in registers: by a static model of loads and multiplications, never by timing',
    run: chooseTiles,
  },
  {
    name: 'reuse',
    stage: 'memory',
    why: 'memory of intermediates is used again when they are no longer needed',
    run: lifeOf,
  },
] as const satisfies readonly { [Stage in keyof Stages]: PassOf<Stage> }[keyof Stages][];

type PassName = (typeof pipeline)[number]['name'];

/** Which passes run. */
export type Passes = Readonly<Record<PassName, boolean>>;

/** Their order, and what they are for. */
export const passList: readonly Pick<PassOf<keyof Stages>, 'name' | 'stage' | 'why'>[] = pipeline;

export const allPasses = Object.fromEntries(pipeline.map(({ name }) => [name, true])) as Passes;

/** The passes of a stage that are to run. */
export function passesOf<Stage extends keyof Stages>(stage: Stage, passes: Passes): Stages[Stage][] {
  return pipeline.flatMap((pass) => (pass.stage === stage && passes[pass.name] ? [pass.run as Stages[Stage]] : []));
}

/** What can be looked at on the way. */
export const printed = ['graph', 'rewritten', 'nests', 'steps', 'schedules'] as const;

/** Is given each of them as text, if it asks for it. */
export type Look = (stage: (typeof printed)[number], text: () => string) => void;

export interface Plan {
  readonly steps: readonly Step[];
  readonly lowered: Lowered;
  /** The graph of primitives that was lowered, with every size a number. */
  readonly bound: Graph;
}

/**
 * The steps of a graph, before memory and instructions.
 *
 * @param batch takes the place of the symbolic size
 * @param countsRows lanes are on rows, which do not depend on each other
 */
export function planGraph(
  graph: Graph,
  batch: number,
  passes: Passes,
  countsRows = false,
  look: Look = () => {},
): Plan {
  const primitives = bindBatch(graph, batch);
  look('graph', () => printGraph(primitives));
  const factored = passesOf('graph', passes).reduce((made, run) => run(made), primitives);
  const [symbolic] = [...graph.inputs].filter(([, { shape }]) => shape.includes(null)).map(([name]) => name);
  const rows = countsRows ? factored.inputs.get(symbolic)! : null;
  const none: LaneAxes = new Map();
  const [findImages = () => new Set<Tensor>()] = passesOf('images', passes);
  const hasFewImages = findImages(factored).size > 0;
  const [choose = () => none] = hasFewImages ? [] : passesOf('lanes', passes);
  const before = choose(factored, rows);
  const bound = replaceNodes(
    factored,
    passesOf('nodes', passes).map((replace) => replace(before)),
  );
  look('rewritten', () => printGraph(bound));
  const lanes = choose(bound, rows);
  const images = hasFewImages ? findImages(bound) : new Set<Tensor>();
  const lowered = lower(bound, lanes, chooseStorage(bound, lanes, images));
  look('nests', () => lowered.nests.map(printNest).join(''));
  const nests = passesOf('nests', passes).reduce((made, run) => run(made), lowered.nests);
  const steps = planSteps(nests).map((step) => ({
    ...step,
    nests: passesOf('step', passes).reduce((made, run) => run(made), step.nests),
  }));
  look('steps', () => printSteps(steps));
  return { steps, lowered, bound };
}
