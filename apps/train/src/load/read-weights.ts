// Weights that a training starts from.

import { named, readNamed, UsageError } from '@bn/command-line';
import {
  BnError,
  decodeSafetensors,
  decodeSignature,
  fromTorch,
  type HostTensor,
  headOf,
  type Model,
  type PixelForm,
  pixelForms,
  type Signature,
} from '@bn/core';
import type { RunConfig } from '../config/settings.js';

export interface Weights {
  /** Of the run that they are from, whose classes the data's are matched to; null for weights from elsewhere, and for a new head. */
  readonly signature: Signature | null;
  /**
   * The model's parameters and running statistics, without those of its head if that is new; throws BnError `checkpoint` for weights of
   * another model.
   */
  for(model: Model): Map<string, HostTensor>;
  /** What to know of weights in this model; null for nothing. */
  adviceFor(model: Model): string | null;
}

/**
 * Weights in a .safetensors file: a checkpoint of a run, or of PyTorch. Null where the run starts from none.
 *
 * @throws UsageError if the run that they are from took pixels as something else; BnError `file` if the file cannot be read,
 * `checkpoint` if it is damaged
 */
export async function readWeights(
  config: Pick<RunConfig, 'model' | 'weights' | 'newHead' | 'pixels'>,
): Promise<Weights | null> {
  const { weights: file, newHead, pixels } = config;
  if (file === null) return null;
  const bytes = await readNamed(file, 'a .safetensors file');
  // PyTorch counts batches in int64.
  const { tensors, metadata } = named(file, () =>
    decodeSafetensors(bytes, (name) => !name.endsWith('num_batches_tracked')),
  );
  const isForeign = metadata.signature === undefined;
  const signature = isForeign ? null : named(file, () => decodeSignature(metadata.signature!));
  const before = isForeign ? null : named(file, () => pixelsIn(metadata.fingerprint));
  if (!isForeign && (before ?? '0..1') !== (pixels ?? '0..1')) {
    const how = before === null ? 'without --pixels' : `with --pixels ${before}`;
    throw new UsageError(`${file}: the weights were trained ${how}; train them further in the same way`);
  }
  return {
    signature: newHead ? null : signature,
    for: (model) =>
      named(file, () => {
        const { weight, bias } = newHead ? headOf(model) : { weight: null, bias: null };
        const head = [weight, bias].filter((path) => path !== null);
        return fromTorch(model, tensors, head);
      }),
    adviceFor: ({ input }) => {
      const isPlain = pixels === null && input.shape[1] === 3 && !config.model.endsWith('.onnx');
      return isForeign && isPlain
        ? 'pixels are taken as 0 to 1: weights from torchvision or timm, trained on ImageNet, want --pixels imagenet'
        : null;
    },
  };
}

/** What a run's network takes pixels as, by its fingerprint; null where nothing was said. */
function pixelsIn(fingerprint = '{}'): PixelForm | null {
  try {
    const { pixels = null } = JSON.parse(fingerprint);
    if (pixels === null || pixelForms.includes(pixels)) return pixels;
  } catch {
    // falls through to the one message
  }
  throw new BnError('checkpoint', 'the fingerprint in its metadata is damaged');
}
