import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { defineProgram, type Io } from '../src/index.js';

test.each([[['--version']], [['add', '--version']]])(
  '%s tells package and version, and runs nothing',
  async (words) => {
    const folder = mkdtempSync(join(tmpdir(), 'bn-program-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const commands = join(folder, 'dist', 'commands');
    mkdirSync(commands, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "name": "@mine/sums", "version": "1.2.3", "type": "module" }');
    writeFileSync(join(commands, 'add.js'), 'throw new Error("it ran");');
    const program = defineProgram({
      commands: pathToFileURL(`${commands}/`),
      standard: 'add',
      standardTakesArguments: false,
    });
    const written = { stdout: '', stderr: '' };
    const stream = (name: 'stdout' | 'stderr') => ({
      write(text: string) {
        written[name] += text;
        return true;
      },
    });
    const io = {
      ...{ cwd: folder, env: {}, signal: new AbortController().signal },
      stdout: stream('stdout'),
      stderr: stream('stderr'),
    } as Io;
    expect(await program.main(words, io)).toBe(0);
    expect(written).toEqual({ stdout: '@mine/sums 1.2.3\n', stderr: '' });
  },
);
