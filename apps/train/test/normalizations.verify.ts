// What --norm puts into built-in networks: trained, exported (which checks the file with ONNX Runtime), evaluated, imported.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeCheckpoint } from '@bn/core';
import { expect, test } from 'vitest';
import { smallFolder, train, writeIdx } from './small-run.js';

const statistics = ['runningMean', 'runningVariance'];
const states: Readonly<Record<string, readonly string[]>> = {
  batch: statistics,
  ghost: statistics,
  renorm: [...statistics, 'warmth'],
};

test.each(['batch', 'group', 'layer', 'instance', 'renorm', 'ghost', 'frn', 'none'])(
  '--norm %s',
  async (norm) => {
    const folder = smallFolder();
    writeIdx(join(folder, 'larger'), { train: 90, t10k: 30 }, { side: 20 });
    const common = [
      '--data',
      'larger',
      '--backend',
      'wasm',
      '--batch-size',
      '30',
      '--epochs',
      '1',
      '--learning-rate',
      '0.01',
    ];
    for (const model of ['lenet', 'resnet20']) {
      const flags = ['--model', model, '--norm', norm, '--out', model, '--export', `${model}.onnx`];
      const { code, stderr, stdout } = await train(folder, [...common, ...flags]);
      expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
      const { tensors } = decodeCheckpoint(new Uint8Array(readFileSync(join(folder, model, 'checkpoint.safetensors'))));
      const found = [...tensors.keys()].filter((path) => path.includes('bn1.')).map((path) => path.split('.').at(-1)!);
      const kept = found.filter((name) => name !== 'gamma' && name !== 'beta');
      expect([...new Set(kept)].sort()).toEqual([...(states[norm] ?? [])].sort());
      // The file's weights go on, and the classes are told as before.
      const again = await train(folder, [...common, '--model', `${model}.onnx`, '--out', `${model}-again`]);
      expect(again.code, again.stderr).toBe(0);
    }
  },
  120_000,
);
