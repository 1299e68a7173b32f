// `classify`, the default command: what a model sees in image files.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { CheckedCommand, type Io, parseCommand, printable, stopCode, UsageError, wholeNumber } from '@bn/command-line';
import { type Classified, classifyImages } from '../classify/classify-images.js';
import { errorLine, type Show, type ShowOptions, showCsv, showJson, showTable } from '../classify/show.js';
import { addModelOptions, modelOptions } from '../config/model-options.js';
import { findImages } from '../images/find-images.js';
import { tellSignature } from '../model/describe-model.js';
import { imageInput } from '../model/image-input.js';
import { openModel } from '../model/open-model.js';
import { program } from '../program.js';

export const summary = 'classify image files (the default)';

interface ClassifyFlags {
  readonly top: number;
  readonly invert?: true;
  readonly json?: true;
  readonly csv?: true;
}

/** @returns 0 if all images were classified, 1 if one could not be read, 130 after Ctrl-C */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const command = new CheckedCommand('infer')
    .description('Classifies images with a model from an ONNX file.')
    .argument('<model.onnx>', 'the model')
    .argument('<image...>', 'image files, folders of them, or patterns such as "photos/**/*.jpg"')
    .checked('--top', wholeNumber(1), 'classes shown per image, the most probable first', 3)
    .option('--invert', 'light becomes dark: for photographs on white ground, where the model knows black')
    .option('--json', 'print a line of JSON per image, for programs')
    .option('--csv', 'print CSV')
    .addHelpText('after', `${await program.otherCommands(args)}\n${notes}`);
  command.options.find(({ long }) => long === '--csv')!.conflicts('json');
  addModelOptions(command);
  const flags = parseCommand(command, args, io);
  if (!flags) return 0;

  const [file, ...named] = command.args as [string, ...string[]];
  const path = resolve(io.cwd, file);
  if (!existsSync(path) && !file.endsWith('.onnx')) {
    throw new UsageError(`${file}: there is no file or command of that name; --help lists the commands`);
  }
  const { images, leftOut } = await findImages(named, io.cwd);
  if (leftOut !== null) io.stderr.write(printable(`warning: ${leftOut}\n`));
  const model = await openModel(path, modelOptions(flags, io));
  try {
    const { output } = model.signature;
    imageInput(model.name, model.signature);
    tellSignature(model, io);
    const { top, invert = false, ...forms } = flags as ClassifyFlags;
    const show = showAs(forms, io, { images, output, top: Math.min(top, output.size) });
    const count = { done: 0, failed: 0 };
    const files = images.map((image) => ({ image, source: resolve(io.cwd, image) }));
    for await (const { results } of classifyImages(model, files, { invert, signal: io.signal })) {
      for (const result of results) {
        if ('error' in result) tellFailure(result, forms, io);
        else show(result.image, result.row);
        count.failed += 'error' in result ? 1 : 0;
      }
      count.done += results.length;
    }
    return conclude(count, images.length, io);
  } finally {
    await model.dispose();
  }
}

function showAs({ json, csv }: Pick<ClassifyFlags, 'json' | 'csv'>, { stdout }: Io, options: ShowOptions): Show {
  if (json) return showJson(stdout, options);
  return csv ? showCsv(stdout, options) : showTable(stdout, options);
}

function tellFailure(
  { image, error }: Extract<Classified, { error: unknown }>,
  { json }: Pick<ClassifyFlags, 'json'>,
  io: Io,
): void {
  if (json) io.stdout.write(`${errorLine(image, error)}\n`);
  io.stderr.write(`error: ${printable(error.message)}\n`);
}

function conclude({ done, failed }: { done: number; failed: number }, total: number, io: Io): number {
  if (io.signal.aborted && done < total) {
    const code = stopCode(io.signal);
    if (code !== 0) io.stderr.write(`stopped after ${done} of ${total} images\n`);
    return code;
  }
  if (failed > 0 && total > 1) io.stderr.write(`${failed} of ${total} images have no answer\n`);
  return failed > 0 ? 1 : 0;
}

const notes = `Paths are relative to the folder you are in. Examples:
  pnpm infer model.onnx photo.jpg
  pnpm infer model.onnx photos "more/**/*.png" --invert --csv`;
