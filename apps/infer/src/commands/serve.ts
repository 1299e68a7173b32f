// `serve`: models behind HTTP.

import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import {
  atMost,
  CheckedCommand,
  checkedList,
  type Io,
  type Kind,
  notNegative,
  oneOf,
  parseCommand,
  positive,
  text,
  UsageError,
  wholeNumber,
} from '@bn/command-line';
import { addModelOptions, modelOptions } from '../config/model-options.js';
import { runServer, type ServeSettings } from '../serve/run-server.js';

export const summary = 'serve models over HTTP: Open Inference Protocol, images, a page to draw on';

type ServeFlags = Omit<ServeSettings, 'files' | 'backend' | 'apiKey' | 'allowOrigin'> & {
  readonly apiKey?: string;
  readonly allowOrigin?: readonly string[];
};

/** Serves until Ctrl-C or SIGTERM, and answers what was asked till then. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const command = new CheckedCommand('infer serve')
    .description(
      'Serves models by the Open Inference Protocol v2 (/v2/…), for images (POST /classify), and with a page to draw on (/).',
    )
    .argument('<model.onnx...>', 'the models, by their file names without .onnx')
    .checked('--port', wholeNumber(0, 65_535), 'where to listen; 0: any that is free', 8080)
    .checked('--grpc-port', wholeNumber(0, 65_535), 'where to listen for gRPC; without it, there is none')
    .checked('--host', text('<address>'), 'address to listen on; 0.0.0.0: all', '127.0.0.1')
    .checked('--api-key', text('<key>'), 'what all requests but /v2/health need; also by BN_API_KEY')
    .addOption(
      checkedList('--allow-origin', origin, 'whose pages in browsers may call it, e.g. https://example.com; *: all'),
    )
    .checked('--workers', wholeNumber(1, 256), 'threads that hold the models and compute', 1)
    .checked('--max-batch', wholeNumber(1, 4096), 'examples computed together, at most', 64)
    .checked('--max-delay', atMost(60_000, notNegative), 'milliseconds that a request waits for others, at most', 2)
    .checked('--max-queue', wholeNumber(1), 'requests that wait, per model, at most', 1024)
    .checked('--max-body', atMost(1024, positive), 'megabytes of a request, at most', 16)
    .checked('--timeout', atMost(86_400, positive), 'seconds for a request to arrive, and for its answer', 30)
    .checked('--drain', atMost(86_400, positive), 'seconds that requests may take to end after SIGTERM', 8)
    .checked('--model-control', oneOf('none', 'explicit'), 'explicit: requests may load and unload models', 'none')
    .checked('--log-level', oneOf('debug', 'info', 'warn', 'error'), 'what is logged', 'info')
    .checked('--access-log', oneOf('on', 'off'), 'a line of the log for each request', 'on')
    .addHelpText('after', `\n${notes}`);
  addModelOptions(command);
  const flags = parseCommand(command, args, io) as ServeFlags | null;
  if (!flags) return 0;
  const apiKey = flags.apiKey ?? io.env.BN_API_KEY ?? null;
  if (apiKey === '') throw new UsageError('BN_API_KEY is empty; set it to a key, or unset it');
  const files = command.args.map((file) => resolve(io.cwd, file));
  const backend = { ...shareOfCores(flags.workers), ...modelOptions(flags, io) };
  const { allowOrigin = [] } = flags;
  await runServer({ ...flags, files, apiKey, allowOrigin, backend }, io);
  return 0;
}

/** Several workers that each take all cores would be in each other's way. */
function shareOfCores(workers: number): { threads?: number } {
  return workers > 1 ? { threads: Math.max(1, Math.floor(availableParallelism() / workers)) } : {};
}

/** Scheme, host and port. */
const origin: Kind<string> = {
  ...text('<origin>'),
  expects: '* or an origin such as https://example.com',
  fromText: (given) => (given === '*' || (URL.canParse(given) && new URL(given).origin === given) ? given : null),
};

const notes = `A model whose file changes is loaded again, as all are on SIGHUP; requests
meanwhile are answered. Ctrl-C or SIGTERM ends the server when it has answered
what it was asked, or after --drain seconds. Logs are lines of JSON on standard error. Example:
  pnpm infer serve model.onnx --port 8080
  curl --data-binary @photo.jpg http://127.0.0.1:8080/classify`;
