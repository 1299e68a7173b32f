// The names that PyTorch gives to what a model has, so that weights go from here to there and back.

import { BnError } from './errors.js';
import { defineModel, type Model, variablesOf } from './model.js';
import type { Scope } from './scope.js';
import { formatShape, type HostTensor, sizeOf } from './spec.js';
import { averagePath } from './training/step-graph.js';

/**
 * How layers are named: `paths` as here (`conv1`), for a module with attributes of those names; `sequential` by their
 * position (`0`), for `torch.nn.Sequential`. Positions count every layer, also those without weights.
 */
export type TorchNaming = 'paths' | 'sequential';

/** Names within batch normalization, of the layer and of the textbook's version from scratch. */
const torchName: Readonly<Record<string, string>> = {
  gamma: 'weight',
  beta: 'bias',
  runningMean: 'running_mean',
  runningVariance: 'running_var',
  movingMean: 'running_mean',
  movingVariance: 'running_var',
};

/** The count of batches, which is int64 in PyTorch and only for the cumulative average. */
const isCount = (name: string) => /(^|\.)(num_batches_tracked|batches)$/.test(name);

/**
 * The weights as PyTorch's `load_state_dict` takes them: gamma is `weight`, beta `bias`, the running statistics
 * `running_mean` and `running_var`, each [channels].
 *
 * @param values parameters and states by path, as `trainer.values()` gives them
 */
export function toTorch(
  model: Model,
  values: ReadonlyMap<string, HostTensor>,
  naming: TorchNaming = 'paths',
): Map<string, HostTensor> {
  const nameOf = namer(model, naming);
  const named = new Map<string, HostTensor>();
  for (const [path, { shape, data }] of values) {
    const perChannel = lastOf(path) in torchName;
    if (!isCount(path)) named.set(nameOf(path), { shape: perChannel ? [sizeOf(shape)] : shape, data });
  }
  return named;
}

/**
 * Weights by the model's paths, from a file with PyTorch's names in either naming, or with the paths themselves as a
 * checkpoint has them; also from a wrapped module (`module.`, `_orig_mod.`). Counts of batches and optimizer slots are left out.
 *
 * @param except paths that are left out, those of a new head for example, whether the file has something there or not
 * @throws `checkpoint` if a weight is missing, unknown or of another shape
 */
export function fromTorch(
  model: Model,
  named: ReadonlyMap<string, HostTensor>,
  except: readonly string[] = [],
): Map<string, HostTensor> {
  const shapes = shapesOf(model);
  const tensors = unwrapped(withAverages(named), shapes);
  const given = [...tensors.keys()].filter((name) => !isCount(name) && !name.startsWith('optimizer.'));
  const namings = [(path: string) => path, namer(model, 'paths'), namer(model, 'sequential')].map((nameOf) => {
    const pathOf = new Map([...shapes.keys()].filter((path) => !isCount(path)).map((path) => [nameOf(path), path]));
    return { pathOf, known: given.filter((name) => pathOf.has(name)).length };
  });
  const { pathOf } = namings.reduce((best, other) => (other.known > best.known ? other : best));
  const unknown = given.filter((name) => !pathOf.has(name));
  for (const [name, path] of pathOf) if (except.includes(path)) pathOf.delete(name);
  const missing = [...pathOf.keys()].filter((name) => !tensors.has(name));
  const misshapen = [...pathOf].flatMap(([name, path]) => {
    const [found, wanted] = [tensors.get(name)?.shape, shapes.get(path)!];
    return found && perChannel(found) !== perChannel(wanted)
      ? [`${formatShape(found)} instead of ${formatShape(wanted)} in '${name}'`]
      : [];
  });
  const problems = [
    ...(missing.length > 0 ? [`there is no ${several(missing.map(quoted))}`] : []),
    ...(unknown.length > 0 ? [`the model has no ${several(unknown.map(quoted))}`] : []),
    ...(misshapen.length > 0 ? [`there is ${several(misshapen)}`] : []),
  ];
  if (problems.length > 0) {
    const cure = 'give those of the same network';
    throw new BnError('checkpoint', `the weights belong to another model: ${problems.join('; ')}; ${cure}`);
  }
  return new Map(
    [...pathOf].map(([name, path]) => [path, { shape: shapes.get(path)!, data: tensors.get(name)!.data }]),
  );
}

const quoted = (name: string) => `'${name}'`;

/** The first few, and how many more. */
function several(names: readonly string[]): string {
  return `${names.slice(0, 3).join(', ')}${names.length > 3 ? `, and ${names.length - 3} more` : ''}`;
}

/** [channels] and [1, channels, 1, 1] are the same to batch normalization. */
function perChannel(shape: readonly number[]): string {
  return formatShape(shape.filter((n) => n !== 1));
}

/** A checkpoint that keeps averages of values counts by these. */
function withAverages(tensors: ReadonlyMap<string, HostTensor>): ReadonlyMap<string, HostTensor> {
  return new Map([...tensors].map(([path, tensor]) => [path, tensors.get(averagePath(path)) ?? tensor]));
}

/** Without what DataParallel, DistributedDataParallel and torch.compile put before all names. */
function unwrapped(
  tensors: ReadonlyMap<string, HostTensor>,
  own: ReadonlyMap<string, unknown>,
): ReadonlyMap<string, HostTensor> {
  const prefix = /^(?:module\.|_orig_mod\.)*/.exec([...tensors.keys()][0] ?? '')![0];
  const has = (name: string) => name.startsWith(prefix);
  return [...tensors.keys()].every(has) && ![...own.keys()].some(has)
    ? new Map([...tensors].map(([name, tensor]) => [name.slice(prefix.length), tensor]))
    : tensors;
}

/** Gives PyTorch's name of what is at a path. */
function namer(model: Model, naming: TorchNaming): (path: string) => string {
  const positions = naming === 'sequential' ? positionsOf(model) : new Map<string, string>();
  return (path) => {
    const layers = path.split('.').slice(0, -1);
    const names = layers.map((name, i) => positions.get(layers.slice(0, i + 1).join('.')) ?? name);
    const own = lastOf(path);
    return [...names, torchName[own] ?? own].join('.');
  };
}

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}

/** The position of each layer among the layers beside it, by path, in the order in which the network calls them. */
function positionsOf(model: Model): Map<string, string> {
  const positions = new Map<string, string>();
  const counts = new Map<string, number>();
  const watched = (scope: Scope): Scope => ({
    ...scope,
    child(name) {
      const inner = scope.child(name);
      if (!positions.has(inner.path)) {
        const position = counts.get(scope.path) ?? 0;
        counts.set(scope.path, position + 1);
        positions.set(inner.path, String(position));
      }
      return watched(inner);
    },
  });
  variablesOf(defineModel((x, scope) => model.network(x, watched(scope)), model));
  return positions;
}

function shapesOf(model: Model): Map<string, readonly number[]> {
  const { parameters, states } = variablesOf(model);
  return new Map([...parameters, ...states].map(([path, { shape }]) => [path, shape]));
}
