// `train`, but the first time that a trial has come to its second epoch, the process is killed. Called with a file to note that in.

import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [note, program, ...args] = process.argv.slice(2);
const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
process.on('SIGINT', () => child.kill('SIGINT'));
createInterface({ input: child.stdout }).on('line', (line) => {
  const { type, epoch } = JSON.parse(line);
  if (type === 'step' && epoch === 2 && !existsSync(note)) {
    writeFileSync(note, args.at(args.indexOf('--out') + 1));
    child.kill('SIGKILL');
  } else process.stdout.write(`${line}\n`);
});
child.on('exit', (code) => {
  process.exitCode = code ?? 137;
});
