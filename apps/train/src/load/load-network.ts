// Finds the network that is to be trained, by name, path or package.

import { importModule, isPath, named, readModelFile, resolvePackage, resolvePath, UsageError } from '@bn/command-line';
import {
  BnError,
  defineLayer,
  defineModel,
  formatShape,
  type Layer,
  type Model,
  pixelForm,
  scalePixels,
} from '@bn/core';
import type { Signed } from '@bn/onnx';
import type { RunConfig } from '../config/settings.js';
import { type BuiltInConfig, builtIn, builtInNames } from './built-in.js';

/** A network that was found, not yet made for certain data. */
export interface Network {
  /** What one example must be, `[channels, height, width]` for images, where the network says so itself. */
  readonly shape: readonly number[] | null;
  /**
   * @param data what an example is, and how many values the network is to give for it
   * @param batchNorm what training does with the statistics that an .onnx file has
   */
  modelFor(data: { shape: readonly number[]; outputs: number }, batchNorm: 'frozen' | 'trained'): Model;
  /** What an .onnx file takes and gives, and what of that is assumed; null for other networks. */
  readonly signed: Signed | null;
  /** The file that it is from; null for those that come with the program. */
  readonly file: string | null;
}

type NetworkConfig = BuiltInConfig & Pick<RunConfig, 'task' | 'output' | 'gives' | 'pixels' | 'newHead' | 'imageSize'>;

/**
 * A built-in network by name; an .onnx file by its path, with its weights; else a file by its path, or a package, whose default export is a layer (a function of a
 * tensor and a scope) or a model (`defineModel`). TypeScript is fine.
 *
 * @throws UsageError when there is no such network, or what is found exports none
 */
export async function loadNetwork(config: NetworkConfig, workingFolder: string): Promise<Network> {
  const name = config.model;
  const layerFor = builtIn(config);
  if (layerFor) return ofLayer(layerFor, null, config.pixels);
  const file = isPath(name)
    ? resolvePath(name, workingFolder)
    : (resolvePackage(name, workingFolder) ?? resolvePackage(name, import.meta.dirname));
  if (!file) {
    throw new UsageError(
      `unknown model '${name}'; built in: ${builtInNames.join(', ')}. For one of your own, give the path of its file, such as ./net.ts`,
    );
  }
  return file.endsWith('.onnx') ? readModel(file, config) : importNetwork(file);
}

/** Takes data of any shape that goes through it. */
function ofLayer(
  layerFor: (outputs: number) => Layer,
  file: string | null,
  pixels: RunConfig['pixels'] = null,
): Network {
  const modelFor: Network['modelFor'] = ({ shape, outputs }) =>
    defineModel(withPixels(layerFor(outputs), pixels, shape), { input: { shape: [null, ...shape], dtype: 'float32' } });
  return { shape: null, signed: null, file, modelFor };
}

/** The network on pixels from 0 to 1, which it takes as others. */
function withPixels(network: Layer, pixels: RunConfig['pixels'], [channels, ...size]: readonly number[]): Layer {
  if (pixels === null || pixels === '0..1') return network;
  const isImage = size.length === 2 && (channels === 3 || (channels === 1 && pixels !== 'imagenet'));
  if (isImage) return (x, scope) => network(scalePixels(x, { channels, ...pixelForm(pixels) }), scope);
  const wanted = pixels === 'imagenet' ? 'images in colour, 3 channels' : 'images, 1 or 3 channels';
  const found = formatShape([channels!, ...size]);
  throw new UsageError(
    `--pixels ${pixels} is for ${wanted}, and the examples are ${found}; leave it out, or give --channels 3`,
  );
}

/** Says itself what it takes. */
function ofModel(model: Model, signed: Signed | null, file: string): Network {
  return { shape: model.input.shape.slice(1) as number[], signed, file, modelFor: () => model };
}

async function importNetwork(file: string): Promise<Network> {
  const module: { default?: unknown } = await importModule(file).catch((cause: Error) => {
    throw new BnError('argument', `the model ${file} does not load: ${cause.message}`, { cause });
  });
  const network = module.default;
  if (typeof network === 'function') return ofLayer(() => guarded(network as Layer, file), file);
  if (typeof network === 'object' && network && 'network' in network && 'input' in network) {
    const { network: layer, input } = network as Model;
    return ofModel(
      named(file, () => defineModel(guarded(layer, file), { input })),
      null,
      file,
    );
  }
  throw new UsageError(
    `${file}: expected a network as the default export: a layer (x, scope) => …, or defineModel(…); found ${typeof network}`,
  );
}

/** What goes wrong in a network of the user's names its file. */
function guarded(network: Layer, file: string): Layer {
  const layer = defineLayer(network);
  return (x, scope) =>
    named(file, () => {
      try {
        return layer(x, scope);
      } catch (cause) {
        if (cause instanceof BnError) throw cause;
        const message = cause instanceof Error ? cause.message : `it throws ${cause}`;
        throw new BnError('argument', `the network fails: ${message} (BN_DEBUG=1 shows where)`, { cause });
      }
    });
}

/** The model in an ONNX file: it starts from the weights that it has there. */
async function readModel(
  file: string,
  { newHead, task, output, gives, pixels, imageSize }: NetworkConfig,
): Promise<Network> {
  const { importOnnx } = await import('@bn/onnx');
  const bytes = await readModelFile(file);
  const known = given({
    output,
    pixels,
    imageSize,
    gives: gives ?? (task === 'regress' && !newHead ? 'values' : null),
  });
  const imported = (batchNorm: 'frozen' | 'trained') => named(file, () => importOnnx(bytes, { batchNorm, ...known }));
  const { model, ...signed } = imported('frozen');
  return {
    ...ofModel(model, signed, file),
    modelFor: (_, batchNorm) => (batchNorm === 'frozen' ? model : imported(batchNorm).model),
  };
}

/** Options without those that are null, which leave the default in place. */
function given<T>(options: { readonly [K in keyof T]: T[K] | null }): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== null)) as Partial<T>;
}
