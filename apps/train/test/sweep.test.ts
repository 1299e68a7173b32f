// Sweeps: what a file means, which trials go on, and that a whole one ends as it should and goes on where it was stopped.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Scheduler } from '../src/sweep/scheduler.js';
import { drawFrom, gridOf, readParameter } from '../src/sweep/search-space.js';
import { readSweep, type Sweep } from '../src/sweep/sweep-file.js';
import { slowBackend, start } from './program-process.js';
import { resultOf, smallFolder, train } from './small-run.js';

const settings = {
  ...{ backend: 'reference', data: 'data', model: 'net.ts', batchSize: 32, epochs: 4, keep: 'best' },
} as const;

/** A folder with data, network and this file as sweep.json. */
function sweepFolder(file: object): string {
  const folder = smallFolder();
  writeFileSync(join(folder, 'sweep.json'), JSON.stringify(file));
  return folder;
}

const read = (file: object) => {
  const cwd = sweepFolder(file);
  return readSweep(join(cwd, 'sweep.json'), { cwd, env: {} });
};

describe('the file of a sweep', () => {
  it('that the documentation shows is the example, and can be read', async () => {
    const root = new URL('../../../', import.meta.url);
    const [, shown = ''] = /```json\n(.*?)```/s.exec(readFileSync(new URL('docs/sweeps.md', root), 'utf8'))!;
    expect(JSON.parse(shown)).toEqual(JSON.parse(readFileSync(new URL('examples/sweep/sweep.json', root), 'utf8')));
    expect((await read(JSON.parse(shown))).trials).toHaveLength(6);
  });

  it('as a grid has every combination, and for each every seed', async () => {
    const sweep = await read({
      settings,
      parameters: { learningRate: [0.1, 1], optimizer: ['sgd', 'adam'] },
      seeds: [5, 7],
    });
    expect(
      sweep.trials.map(({ id, parameters: { learningRate, optimizer, seed } }) => [id, learningRate, optimizer, seed]),
    ).toEqual([
      ...[
        ['0001', 0.1, 'sgd', 5],
        ['0002', 0.1, 'sgd', 7],
        ['0003', 0.1, 'adam', 5],
        ['0004', 0.1, 'adam', 7],
      ],
      ...[
        ['0005', 1, 'sgd', 5],
        ['0006', 1, 'sgd', 7],
        ['0007', 1, 'adam', 5],
        ['0008', 1, 'adam', 7],
      ],
    ]);
    expect(sweep.trials[7]!.config).toMatchObject({ learningRate: 1, optimizer: 'adam', seed: 7, epochs: 4 });
    expect(sweep).toMatchObject({ metric: { name: 'validation.loss', goal: 'minimize' }, rungs: [] });
  });

  it('maximizes an accuracy, and has rungs up to the epochs of a trial', async () => {
    const sweep = await read({
      settings: { ...settings, epochs: 9 },
      parameters: { learningRate: [0.1, 1] },
      metric: 'test.accuracy',
      asha: { min: 2, reduction: 2 },
    });
    expect(sweep).toMatchObject({ metric: { goal: 'maximize' }, rungs: [2, 4, 8], reduction: 2 });
  });

  const parameters = { learningRate: [0.1, 1] };
  it.each<[string, object, string]>([
    [
      'an unknown key',
      { settings, parametres: {} },
      'sweep.json: unknown key "parametres"; the keys are settings, parameters, method',
    ],
    [
      'an unknown setting',
      { settings: { epoch: 1 }, parameters },
      'sweep.json: "settings": unknown key "epoch"; the keys are backend,',
    ],
    [
      'an unknown parameter',
      { parameters: { rate: [1] } },
      'sweep.json: "parameters": unknown key "rate"; the keys are',
    ],
    [
      'a wrong setting',
      { settings: { epochs: '3' }, parameters },
      '"settings": "epochs": expected a whole number of at least 1, got "3"',
    ],
    [
      'a wrong value',
      { parameters: { momentum: [0.5, 1] } },
      '"parameters": "momentum": expected a number from 0 to below 1, got 1',
    ],
    [
      'one value',
      { parameters: { momentum: 0.5 } },
      '"momentum": expected a list of values, {"uniform": [from, to]} or',
    ],
    ['no values', { parameters: { momentum: [] } }, '"momentum": the list is empty; give values'],
    [
      'a range that is none',
      { parameters: { momentum: { uniform: [0.9, 0.1] } } },
      '"uniform": expected two numbers, the smaller one first',
    ],
    [
      'a logarithm of 0',
      { parameters: { momentum: { logUniform: [0, 0.1] } } },
      '"logUniform": expected two numbers above 0',
    ],
    [
      'a range in a grid',
      { settings, parameters: { momentum: { uniform: [0, 0.1] } } },
      'sweep.json: "momentum" is a range, of which a grid would have no end',
    ],
    ['a random one without a number', { settings, parameters, method: 'random' }, '"trials" is missing'],
    ['a grid with a number', { settings, parameters, trials: 3 }, '"trials" and "seed" are for "method": "random"'],
    [
      'too many of a few',
      { settings, parameters, method: 'random', trials: 3 },
      'hardly more than 2 different combinations; lower "trials"',
    ],
    ['a setting twice', { settings: { learningRate: 1 }, parameters }, '"learningRate" is in "settings" too'],
    ['a seed twice', { settings: { seed: 1 }, seeds: [1, 2] }, '"seed" is in "seeds" too'],
    [
      'equal seeds',
      { settings, seeds: [1, 1] },
      '"seeds": expected a list of different seeds such as [0, 1, 2], got [1,1]',
    ],
    ['nothing that varies', { settings }, 'nothing varies; give "parameters", or "seeds"'],
    ["the sweep's own flag", { settings: { out: 'x' }, parameters }, '"out" is the sweep\'s own; leave it out'],
    [
      'a setting without effect',
      { settings, parameters: { optimizer: ['sgd', 'adam'], momentum: [0.9] } },
      'trial 0002 (optimizer adam, momentum 0.9): --momentum has no effect here',
    ],
    [
      'an unknown metric',
      { settings, parameters, metric: 'accuracy' },
      '"metric": expected one of train, validation, test, a dot, and one of loss, accuracy, top5; got "accuracy"',
    ],
    [
      'no validation',
      { settings: { ...settings, keep: 'last' }, parameters },
      'the metric validation.loss needs validation data, which trial 0001 has not; give "keep": "best"',
    ],
    [
      'rungs beyond the end',
      { settings, parameters, asha: { min: 4 } },
      '"asha": "min" is 4, and trials have 4 epochs',
    ],
    [
      'different ends',
      { settings: { ...settings, epochs: undefined }, parameters: { epochs: [4, 5] }, asha: {} },
      'trials of different "epochs" cannot be compared',
    ],
    [
      'an unknown key of asha',
      { settings, parameters, asha: { max: 4 } },
      '"asha": unknown key "max"; the keys are min, reduction',
    ],
  ])('with %s is refused', async (_, file, words) => {
    await expect(read(file)).rejects.toMatchObject({ name: 'UsageError', message: expect.stringContaining(words) });
  });
});

describe('random combinations', () => {
  const space = new Map([
    ['learningRate', readParameter('', 'learningRate', { logUniform: [1e-4, 1] })],
    ['momentum', readParameter('', 'momentum', { uniform: [0.2, 0.6] })],
    ['batchSize', readParameter('', 'batchSize', { uniform: [1, 3] })],
    ['optimizer', readParameter('', 'optimizer', ['sgd', 'adam'])],
  ] as const);

  it('follow from the seed, and of more trials the first are the same', () => {
    expect(drawFrom(space, 10, 3)).toEqual(drawFrom(space, 20, 3).slice(0, 10));
    expect(drawFrom(space, 10, 3)).not.toEqual(drawFrom(space, 10, 4));
  });

  it('have the distributions that are asked for', () => {
    const drawn = drawFrom(space, 2000, 0) as {
      learningRate: number;
      momentum: number;
      batchSize: number;
      optimizer: string;
    }[];
    const share = (is: (one: (typeof drawn)[number]) => boolean) => drawn.filter(is).length / drawn.length;
    // Each part has its share within 4 standard deviations, 0.045 at most.
    expect(share(({ learningRate }) => learningRate < 1e-3)).toBeCloseTo(1 / 4, 1);
    expect(share(({ learningRate }) => learningRate < 1e-2)).toBeCloseTo(1 / 2, 1);
    expect(share(({ momentum }) => momentum < 0.3)).toBeCloseTo(1 / 4, 1);
    expect(share(({ optimizer }) => optimizer === 'sgd')).toBeCloseTo(1 / 2, 1);
    for (const size of [1, 2, 3]) expect(share(({ batchSize }) => batchSize === size)).toBeCloseTo(1 / 3, 1);
    expect(drawn.every(({ momentum }) => momentum >= 0.2 && momentum <= 0.6)).toBe(true);
  });

  it('of lists alone end with all of them', () => {
    const few = new Map([['batchSize', readParameter('', 'batchSize', [1, 2, 3])]] as const);
    const sizes = drawFrom(few, 3, 0).map(({ batchSize }) => batchSize);
    expect(sizes.sort()).toEqual(gridOf(few).map(({ batchSize }) => batchSize));
  });
});

describe('successive halving', () => {
  const schedulerOf = (trials: number, rungs: number[], reduction: number) =>
    new Scheduler({
      trials: Array.from({ length: trials }, (_, i) => ({ id: `${i + 1}`, parameters: {}, config: { epochs: 9 } })),
      metric: { name: 'test.accuracy', goal: 'maximize' },
      ...{ rungs, reduction },
    } as unknown as Sweep);
  const pending = (scheduler: Scheduler) => scheduler.pending.map(({ trial, until }) => `${trial.id} to ${until}`);

  it('lets one of three go on, as soon as it is among the best so far', () => {
    const scheduler = schedulerOf(9, [1, 3], 3);
    for (const [id, figure] of [
      ['1', 0.3],
      ['2', 0.5],
    ] as const)
      scheduler.settle(id, 1, figure);
    expect(pending(scheduler)[0]).toBe('3 to 1');
    scheduler.settle('3', 1, 0.4);
    expect(pending(scheduler)[0]).toBe('2 to 3');
    scheduler.settle('4', 1, null);
    scheduler.settle('5', 1, 0.9);
    scheduler.settle('6', 1, 0.1);
    expect(pending(scheduler).slice(0, 2)).toEqual(['2 to 3', '5 to 3']);
    for (const id of ['7', '8', '9']) scheduler.settle(id, 1, 0);
    // The third of nine is 3, with 0.4.
    expect(pending(scheduler)).toEqual(['2 to 3', '5 to 3', '3 to 3']);
    for (const [id, figure] of [
      ['2', 0.6],
      ['5', 0.8],
      ['3', 0.7],
    ] as const)
      scheduler.settle(id, 3, figure);
    expect(pending(scheduler)).toEqual(['5 to 9']);
    scheduler.settle('5', 9, 0.8);
    expect(pending(scheduler)).toEqual([]);
  });

  it('brings one to its end where they are too few for a share of them, or the best fail', () => {
    const scheduler = schedulerOf(2, [1], 3);
    scheduler.settle('1', 1, 0.3);
    scheduler.settle('2', 1, 0.5);
    expect(pending(scheduler)).toEqual(['2 to 9']);
    scheduler.drop('2', 9);
    expect(pending(scheduler)).toEqual(['1 to 9']);
    scheduler.settle('1', 9, 0.4);
    expect(pending(scheduler)).toEqual([]);
  });

  it('without rungs trains all to the end', () => {
    expect(pending(schedulerOf(3, [], 1))).toEqual(['1 to 9', '2 to 9', '3 to 9']);
  });
});

const json = (stdout: string) =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('a sweep', () => {
  const sweep = {
    settings: { ...settings, schedule: 'cosine' },
    parameters: { learningRate: [0.1, 0.001, 1e30] },
    asha: { min: 2, reduction: 2 },
  };

  // Ten processes, of which each starts in half a second where the machine has nothing else to do.
  it('that Ctrl-C stops goes on, stops what is not among the best, and its best run equals the one alone', {
    timeout: 120_000,
  }, async () => {
    const folder = sweepFolder({});
    const slow = { ...sweep.settings, backend: slowBackend(folder, 50) };
    writeFileSync(join(folder, 'sweep.json'), JSON.stringify({ ...sweep, settings: slow }));
    const first = start(folder, ['sweep', 'sweep.json', '--out', 's', '--json', '--workers', '2']);
    await first.seen('"type":"result"');
    first.child.kill('SIGINT');
    const stopped = await first.ended;
    expect(stopped).toMatchObject({ code: 130, stderr: '' });
    expect(json(stopped.stdout).at(-1).text).toBe('stopped; continue with: npx -y pnpm@12.21.0 train sweep --resume s');
    expect(existsSync(join(folder, 's', 'report.html'))).toBe(false);

    const { code, stdout, stderr } = await start(folder, ['sweep', '--resume', 's', '--json']).ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { best, trials } = json(stdout).at(-1);
    expect(trials.map(({ state, epochs }: { state: string; epochs: number }) => [state, epochs])).toEqual([
      ['finished', 4],
      ['stopped', 2],
      ['diverged', 0],
    ]);
    expect(trials[2].message).toContain('lower the learning rate');
    expect(best).toBe('0001');
    expect(readFileSync(join(folder, 's', 'report.html'), 'utf8')).toContain('0001');
    expect(readdirSync(join(folder, 's')).filter((name) => name.startsWith('.'))).toEqual([]);
    // The schedule depends on the epochs of a whole training: the trial was stopped and went on, and is the same.
    const alone = ['--config', 's/trials/0001/settings.json', '--backend', 'reference', '--out', 'alone'];
    expect((await train(folder, alone)).code).toBe(0);
    expect(resultOf(join(folder, 's', 'trials', '0001'))).toEqual(resultOf(join(folder, 'alone')));

    // What is done is not done again; a part of a last line does not matter.
    const journal = join(folder, 's', 'sweep.jsonl');
    const before = readFileSync(journal, 'utf8');
    writeFileSync(journal, `${before}{"type":"res`);
    const again = await start(folder, ['sweep', '--resume', 's']).ended;
    expect(again.stdout).toMatch(/the best of 3 trials is 0001: validation\.loss \d\.\d{4} with learningRate 0\.1\n/);
    expect(readFileSync(journal, 'utf8')).toBe(before);
  });

  it.each([
    [['sweep'], 'give the file of a sweep, or --resume'],
    [['sweep', 'none.json'], 'none.json: there is no such file'],
    [['sweep', '--resume', 'data'], '--resume data: the folder holds no sweep'],
    [['sweep', 'sweep.json', '--redis', 'redis://localhost', '--workers', '2'], '--workers has no effect here'],
    [['worker'], '--redis is missing'],
  ])('%j is refused', async (args, words) => {
    const { code, stderr } = await train(sweepFolder(sweep), args);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(words) });
  });
});
