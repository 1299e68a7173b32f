// `evaluate`: how good a model is on a data set.

import { resolve } from 'node:path';
import {
  CheckedCommand,
  checkedList,
  checkedOption,
  type Io,
  loadTestData,
  type OutputStream,
  parseCommand,
  printable,
  stopCode,
  text,
  wholeNumber,
  wrapWords,
} from '@bn/command-line';
import { addModelOptions, modelOptions } from '../config/model-options.js';
import { answersFor, requireShape } from '../evaluate/evaluate-model.js';
import { type Evaluation, evaluate } from '../evaluate/evaluation.js';
import { evaluationText } from '../evaluate/evaluation-text.js';
import { targetsOf } from '../evaluate/targets.js';
import { describeBackend, tellSignature } from '../model/describe-model.js';
import { dataInput } from '../model/image-input.js';
import { type OpenedModel, openModel } from '../model/open-model.js';

export const summary = 'accuracy, precision, recall and confusion of a model on a data set';

interface EvaluateFlags {
  readonly data: string;
  readonly heldOutBy?: number;
  readonly target?: readonly string[];
  readonly json?: true;
}

/** @returns 0, or 130 after Ctrl-C */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const command = new CheckedCommand('infer evaluate')
    .description('Evaluates a model from an ONNX file on a data set: on its test part, or on all of it if it has none.')
    .argument('<model.onnx>', 'the model')
    .addOption(
      checkedOption(
        '--data',
        text('<name>'),
        'fashion-mnist, a folder of IDX files, a .csv, or a folder with one folder of images per class',
      ).makeOptionMandatory(),
    )
    .checked(
      '--held-out-by',
      wholeNumber(0, 2 ** 31 - 1),
      'of data without a test part, only the tenth that training with this seed held out [default: all of it]',
    )
    .addOption(
      checkedList(
        '--target',
        text('<name>'),
        'columns of a .csv that hold labels or numbers [default: all but the image]',
      ),
    )
    .option('--json', 'print one object of JSON, for programs')
    .addHelpText('after', notes);
  addModelOptions(command);
  const flags = parseCommand(command, args, io);
  if (!flags) return 0;
  const model = await openModel(resolve(io.cwd, command.args[0]!), modelOptions(flags, io));
  try {
    return await evaluateOn(model, flags as EvaluateFlags, io);
  } finally {
    await model.dispose();
  }
}

async function evaluateOn(model: OpenedModel, flags: EvaluateFlags, io: Io): Promise<number> {
  const { data, heldOutBy = null, target = null, json } = flags;
  const { output } = model.signature;
  const input = dataInput(model.name, model.signature);
  tellSignature(model, io);
  const path = data === 'fashion-mnist' ? data : resolve(io.cwd, data);
  const { kind } = output;
  const task = kind === 'scores' && output.size > 1 ? 'multilabel' : kind === 'values' ? 'regress' : 'classify';
  const { dataset, part, skipped } = await loadTestData({ data: path, heldOutBy, task, targets: target }, input.shape);
  if (skipped.length > 0) {
    const [{ file, reason }] = skipped as [(typeof skipped)[number]];
    io.stderr.write(printable(`warning: ${skipped.length} file(s) are left out, the first is ${file}: ${reason}\n`));
  }
  requireShape(dataset, input);
  const targets = targetsOf(dataset, output);
  if (targets.note !== null) io.stderr.write(printable(`warning: ${targets.note}\n`));
  const answers = await answersFor(model, dataset, { input, signal: io.signal });
  if (!answers) {
    io.stderr.write('stopped\n');
    return stopCode(io.signal);
  }
  const evaluation = evaluate(answers, targets, output);
  const { length } = dataset;
  const backend = describeBackend(model);
  if (json) {
    const about = { model: model.name, data, part, examples: length, backend };
    io.stdout.write(`${JSON.stringify(asJson(evaluation, about))}\n`);
  } else {
    const about = `${model.name} on ${data}, ${length.toLocaleString('en-US')} examples (${part}), by ${backend}`;
    writeText(evaluation, about, io.stdout);
  }
  return 0;
}

/** One object: the figures of each class, label or value stand with its name. */
function asJson({ names, ...evaluation }: Evaluation, about: object): object {
  const named = <T extends object>(key: string, all: readonly T[]) =>
    all.map((one, i) => ({ [key]: names[i], ...one }));
  const own =
    'values' in evaluation
      ? { values: named('value', evaluation.values) }
      : { classes: named(evaluation.confusion ? 'class' : 'label', evaluation.classes) };
  return { type: 'evaluation', ...about, ...evaluation, ...own };
}

function writeText(evaluation: Evaluation, about: string, stream: OutputStream): void {
  // What is not a terminal has no width: nothing has to fit.
  const width = stream.columns || Number.POSITIVE_INFINITY;
  const title = printable(width === Number.POSITIVE_INFINITY ? about : wrapWords(about, width));
  stream.write(`${title}\n\n${evaluationText(evaluation, { width, colours: stream.hasColors?.() ?? false })}\n`);
}

const notes = `
Paths are relative to the folder you are in. Examples:
  pnpm infer evaluate model.onnx --data fashion-mnist
  pnpm infer evaluate model.onnx --data ./my-images --held-out-by 0`;
