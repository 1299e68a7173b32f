// `export`: a recorded run as a file for other programs.

import { join, resolve } from 'node:path';
import { CheckedCommand, fileToWrite, type Io, oneOf, parseCommand, text, UsageError } from '@bn/command-line';
import type { TorchNaming } from '@bn/core';
import { flagOf, type KnobValues, knobs } from '../config/knobs.js';
import { requireRun } from '../config/resume.js';
import { readSettings } from '../config/settings.js';
import { invocation } from '../display/invocation.js';
import { exportModel, type ModelExport } from '../export/export-model.js';
import { exportStep } from '../export/export-step.js';
import { exportTorch } from '../export/export-torch.js';
import { exportTriton } from '../export/export-triton.js';
import { exportWasm } from '../export/export-wasm.js';
import { exportWeb } from '../export/export-web.js';
import { readKept, runFolder } from '../run/run-folder.js';
import { withTrainer } from '../run/with-trainer.js';

export const summary = 'write the model of a run for other programs: ONNX, PyTorch, Triton, WebAssembly, a page';

interface ExportFlags {
  readonly out?: string;
  readonly fold?: true;
  readonly input?: 'uint8' | 'float32';
  readonly recalibrated?: true;
  readonly license?: string;
  readonly trainingStep?: true;
  readonly format?: 'onnx' | 'torch' | 'triton';
  readonly names?: TorchNaming;
  readonly wasm?: string;
  readonly web?: string;
  readonly backend?: string;
  readonly device?: KnobValues['device'];
}

export async function run(args: readonly string[], io: Io): Promise<number> {
  const command = new CheckedCommand('train export')
    .description(
      "Writes the model of a run, of the epoch that it keeps, and checks the file against the trainer's own predictions.",
    )
    .argument('<run>', 'folder of the run')
    .checked(
      '--out',
      text('<file>'),
      'file to write, or folder for Triton [default: in the folder of the run, model.onnx, train.onnx, torch.safetensors or triton]',
    )
    .checked(
      '--format',
      oneOf('onnx', 'torch', 'triton'),
      'an ONNX file; for PyTorch weights alone, in a .safetensors file for load_state_dict; a folder of a Triton model repository [default onnx]',
    )
    .checked(
      '--wasm',
      text('<file>'),
      'in place of these, a WebAssembly module with code and weights in one, and a loader beside it, for pages and edge workers',
    )
    .checked(
      '--web',
      text('<folder>'),
      'in place of these, a page that says what is in pictures and works from any file server, without a network too',
    )
    .checked(
      '--names',
      oneOf('paths', 'sequential'),
      'with --format torch, names of the layers: their paths, or their positions in nn.Sequential [default paths]',
    )
    .option('--fold', 'multiply batch normalization into the weights before it [default: a node of its own]')
    .checked(
      '--input',
      oneOf('uint8', 'float32'),
      'what the model takes: pixels from 0 to 255, or numbers as the network gets them [default: as the data]',
    )
    .option(
      '--recalibrated',
      'with running statistics recomputed over the training data [default: the moving averages]',
    )
    .checked(
      '--license',
      text('<text>'),
      "licence of the weights, for the file's metadata [default: MIT for fashion-mnist, else none]",
    )
    .option('--training-step', 'the whole training step, with its values in a .safetensors file beside it')
    .checked('--backend', knobs.backend, "what computes [default: the run's]")
    .checked('--device', knobs.device, "where it computes [default: the run's]")
    .addHelpText('after', notes);
  const flags = parseCommand(command, args, io) as ExportFlags | null;
  if (!flags) return 0;
  requireSense(flags);
  io.stdout.write(`${await exportRun(command.args[0]!, flags, io)}\n`);
  return 0;
}

async function exportRun(run: string, flags: ExportFlags, io: Io): Promise<string> {
  const { backend, device } = flags;
  requireRun(run, resolve(io.cwd, run));
  const chosen = { ...(backend !== undefined && { backend }), ...(device !== undefined && { device }) };
  const { config, resume } = await readSettings({ resume: run, ...chosen }, io);
  const folder = runFolder(resume!);
  const saved = await readKept(folder, config);
  if (!saved) throw new UsageError(`${run}: the run has no checkpoint yet; train for an epoch first`);
  if (saved.note) io.stderr.write(`warning: ${saved.note}\n`);
  const { format = 'onnx' } = flags;
  const names = {
    onnx: flags.trainingStep ? 'train.onnx' : 'model.onnx',
    torch: 'torch.safetensors',
    triton: 'triton',
  };
  const isFolder = format === 'triton';
  const given = (out: string) => (isFolder ? resolve(io.cwd, out) : fileToWrite('--out', out, io.cwd));
  const path =
    pathFor(flags, io.cwd) ?? (flags.out === undefined ? join(folder.path, names[format]) : given(flags.out));
  return withTrainer(config, io.cwd, saved, async (loaded) => {
    loaded.trainer.restore(saved.checkpoint);
    if (flags.recalibrated) await loaded.trainer.recalibrate(loaded.data.train, { batchSize: config.batchSize });
    const { input, names = 'paths', fold = false, license: licence } = flags;
    const target = { ...loaded, path, workingFolder: io.cwd, input };
    if (flags.trainingStep) return exportStep(target);
    if (format === 'torch') return exportTorch(target, names);
    const write = writerOf(flags);
    return write({ ...target, fold, licence });
  });
}

/** What `--wasm` or `--web` names. Absolute. */
function pathFor({ wasm, web }: ExportFlags, workingFolder: string): string | undefined {
  if (wasm !== undefined) return fileToWrite('--wasm', wasm, workingFolder);
  return web === undefined ? undefined : resolve(workingFolder, web);
}

function writerOf({ wasm, web, format }: ExportFlags): (options: ModelExport) => Promise<string> {
  if (wasm !== undefined) return exportWasm;
  if (web !== undefined) return exportWeb;
  return format === 'triton' ? exportTriton : exportModel;
}

/** Flags that have no effect beside others are mistakes. */
function requireSense(flags: ExportFlags): void {
  const without = (names: readonly (keyof ExportFlags)[], where: string) => {
    const name = names.find((name) => flags[name] !== undefined);
    if (name !== undefined) throw new UsageError(`${flagOf(name)} has no effect ${where}; leave it out`);
  };
  for (const one of ['wasm', 'web'] as const) {
    if (flags[one] === undefined) continue;
    without(['format', 'out', 'names', 'trainingStep', one === 'wasm' ? 'web' : 'wasm'], `beside ${flagOf(one)}`);
  }
  if (flags.format === 'torch') without(['fold', 'input', 'license', 'trainingStep'], 'on weights for PyTorch');
  else without(['names'], 'on an ONNX file');
  if (flags.format === 'triton') without(['trainingStep'], 'on a model for Triton');
  if (flags.trainingStep) without(['fold', 'license', 'recalibrated'], 'on a training step');
}

const notes = `
Paths are relative to the folder you are in. Examples:
  ${invocation} export runs/first --out model.onnx
  ${invocation} export runs/first --fold --recalibrated --out folded.onnx
  ${invocation} export runs/first --format torch --out weights.safetensors
  ${invocation} export runs/first --format triton --out repository/clothes
  ${invocation} export runs/first --wasm edge/model.wasm
  ${invocation} export runs/first --web site`;
