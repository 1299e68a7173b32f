// A whole training run: load everything, train and record, conclude.

import { setImmediate } from 'node:timers/promises';
import { type Io, named, UsageError, writeAtomically } from '@bn/command-line';
import { BnError, describeSignature } from '@bn/core';
import { flagOf } from '../config/knobs.js';
import { type RunConfig, requireShares, type Settings } from '../config/settings.js';
import { type Dashboard, startDashboard } from '../dashboard/dashboard.js';
import { createDisplay, type Display, defaultDisplayMode } from '../display/display.js';
import { invocation } from '../display/invocation.js';
import { loadingProgress } from '../display/progress.js';
import { requireRuntime } from '../export/check-export.js';
import { readWeights } from '../load/read-weights.js';
import { type EpochRecord, keptBy, type RunDescription, type RunRecord } from '../run-record.js';
import type { EventLog } from '../tensorboard/event-log.js';
import { conclude } from './conclude.js';
import { describeRun, shortPath } from './describe-run.js';
import { compareFingerprints } from './fingerprint.js';
import { loadFirstValues } from './first-values.js';
import { keepRule, samplingOf, scheduleOf } from './learning-rule.js';
import { lockRun } from './lock-run.js';
import { restoreMetrics } from './metrics-file.js';
import { hashOf, type Ranks } from './ranks.js';
import { createRecorder, type Recorder } from './recorder.js';
import {
  createRunFolder,
  type RunFolder,
  readCheckpoint,
  readKept,
  requireNoRun,
  runFolder,
  type SavedState,
  usePrevious,
  writeConfig,
  writeSkipped,
} from './run-folder.js';
import { type Loaded, withTrainer } from './with-trainer.js';

/** @returns whether the run went to its end; false if the signal stopped it, which leaves it resumable */
export async function runTraining(given: Settings, io: Io, ranks: Ranks): Promise<boolean> {
  if (ranks.party && given.export !== null) {
    throw new UsageError(
      '--export: one process exports, not several that train together; leave it out, and use `export` afterwards',
    );
  }
  requireShares(given.config, ranks.party?.size);
  const settings = ranks.records ? given : { ...given, dashboard: null, tensorboard: false };
  if (settings.out !== null && ranks.records) requireNoRun(settings.out);
  if (settings.export !== null) requireRuntime(io.cwd);
  const dashboard = settings.dashboard === null ? null : await startDashboard(settings.dashboard);
  let unlock = async () => {};
  const lock = async (path: string) => {
    unlock = await lockRun(path);
  };
  try {
    // Before anything is read there.
    if (settings.resume !== null && ranks.records) await lock(settings.resume);
    return await runLocked(settings, io, { lock, dashboard, ranks });
  } finally {
    await dashboard?.close('The training has ended.');
    await unlock();
  }
}

async function runLocked(
  settings: Settings,
  io: Io,
  { lock, dashboard, ranks }: { lock: (path: string) => Promise<void>; dashboard: Dashboard | null; ranks: Ranks },
): Promise<boolean> {
  const { resume } = settings;
  const saved = resume === null ? null : await ranks.fromFirst(() => readCheckpoint(runFolder(resume)));
  requireEpochsToCome(settings.config, saved);

  const weights = saved ? null : await readWeights(settings.config);
  const signature = saved?.signature ?? weights?.signature ?? null;
  const onProgress = loadingProgress(io.stderr);
  return withTrainer(settings.config, io.cwd, { signature, onProgress, ranks }, async (loaded) => {
    const { config, fingerprint, trainer, fitted } = loaded;
    const notes = [saved?.note, weights?.adviceFor(fitted.model)].filter((note) => note != null);
    const description = describeRun(loaded, io.cwd);
    if (saved) {
      const note = saved.fingerprint && compareFingerprints(saved.fingerprint, fingerprint, settings.resume!);
      if (note) notes.push(note);
      named(note ? `${note}; ${saved.file}` : saved.file, () => trainer.restore(saved.checkpoint));
    } else await loadFirstValues(loaded, weights);
    if (ranks.party) await ranks.requireSame(await factsOf(loaded, description));
    if (io.signal.aborted) {
      io.stderr.write('stopped before the first step; nothing was recorded\n');
      return false;
    }
    const { folder, history } = await ranks.fromFirst(async () => {
      const opened = await openFolder({ ...settings, config }, io.cwd, lock);
      if (saved?.note) await usePrevious(opened);
      if (loaded.data.skipped.length > 0) await writeSkipped(opened, loaded.data.skipped);
      return { folder: opened, history: await restoreMetrics(opened.metrics, saved?.lastEpoch ?? null) };
    });
    const warnings = [...notes, ...loaded.warnings];
    dashboard?.show(folder.path, config.epochs);
    const done = saved?.checkpoint.position.steps ?? 0;
    return await trainAndRecord(
      { ...loaded, warnings, folder, history, description, done, dashboard, ranks },
      settings,
      io,
    );
  });
}

/** Everything that is ready before the first step. */
interface Run extends Loaded {
  readonly folder: RunFolder;
  /** The epochs before a resume. */
  readonly history: readonly EpochRecord[];
  readonly description: RunDescription;
  /** Steps before a resume. */
  readonly done: number;
  readonly dashboard: Dashboard | null;
  readonly ranks: Ranks;
}

async function trainAndRecord(run: Run, settings: Settings, io: Io): Promise<boolean> {
  const { config, data, fitted, signature, fingerprint, warnings, trainer, folder, history, description, ranks } = run;
  const display = await createDisplay(settings.json ? 'json' : defaultDisplayMode(io.stdout), io.stdout);
  const path = shortPath(folder.path, io.cwd);
  const { batchNormLayers } = fitted;
  const recorder = createRecorder(ranks.records ? folder : null, trainer, {
    ...{ batchNormLayers, signature, fingerprint, history },
    keeps: config.keep === 'best' && data.validation ? keepRule(config.keepBy, data.validation.length) : null,
  });
  let ending = 'stopping after this step';
  const onAbort = () => display.message(`${ending}; once more to stop at once`);
  io.signal.addEventListener('abort', onAbort);
  try {
    display.start({ description, epochs: config.epochs, keptBy: keptBy(config), history });
    display.message(describeSignature(signature));
    if (ranks.description !== null) display.message(ranks.description);
    if (run.dashboard) display.message(`the dashboard is at ${run.dashboard.url}`);
    if (fitted.frozen) display.message(fitted.frozen.text);
    const { length } = data.skipped;
    const left = `${length} ${length === 1 ? 'file was' : 'files were'} left out: ${shortPath(folder.skipped, io.cwd)} says why`;
    for (const message of length > 0 ? [left, ...warnings] : warnings) display.event({ type: 'warning', message });
    const log = settings.tensorboard ? await openLog(run) : null;
    await train(run, { recorder, display, log }, io.signal).finally(() => log?.close());
    if (io.signal.aborted) {
      display.message(`stopped; continue with: ${invocation} --resume ${/\s/.test(path) ? `"${path}"` : path}`);
      return false;
    }
    if (recorder.epochs.length < config.epochs) {
      display.message(`stopped early: no epoch of the last ${config.patience} was better in validation`);
    }
    ending = 'the training is done, its report is being written';
    const kept = config.keep === 'best' ? await ranks.fromFirst(() => readKept(folder, config)) : null;
    if (kept?.note) display.event({ type: 'warning', message: kept.note });
    const record = await conclude(trainer, recorder, run, kept?.checkpoint ?? null);
    const failure = ranks.records ? await writeReport(folder, record).catch(reportFailure) : undefined;
    if (settings.export !== null) display.message(await exportRun(run, settings.export, io.cwd));
    display.finish({ summary: record.summary, firstBatchNorm: firstBatchNorm(run, record), folder: path });
    if (failure) throw failure;
    return true;
  } catch (error) {
    throw withWhatIsKept(error, recorder, path);
  } finally {
    io.signal.removeEventListener('abort', onAbort);
    display.close();
  }
}

async function train(
  run: Run,
  { recorder, display, log }: { recorder: Recorder; display: Display; log: EventLog | null },
  signal: AbortSignal,
): Promise<void> {
  const { config, data, trainer } = run;
  const { epochs, batchSize, learningRate } = config;
  const { train, validation, test } = data;
  const parts = { train, test, ...(validation && { validation }) };
  const sampling = samplingOf(config, train);
  const fit = { ...parts, sampling, epochs, batchSize, learningRate, schedule: scheduleOf(config), score: run.score };
  for await (const event of trainer.fit({ ...fit, patience: config.patience ?? undefined, signal })) {
    display.event(event);
    run.dashboard?.event(event);
    await recorder.record(event);
    if (event.type === 'checkpoint' && run.ranks.party)
      await run.ranks.requireSame({ [drifted]: await hashOf(trainer) });
    await log?.record(event, recorder.epochs);
    const hint = event.type === 'checkpoint' ? hintAtChance(recorder.epochs, run) : null;
    if (hint !== null) display.event({ type: 'warning', message: hint });
    // Lets signals in: a backend that computes in JavaScript never waits for anything.
    await setImmediate();
  }
}

/** What ranks have of their own, in the words of the message where they differ: else they would drift apart. */
const computed = 'weights';
/** The same while they train. */
const drifted = 'weights, which processors of different kinds round differently (with wasm, --exact prevents that)';

async function factsOf(
  { config, backend, fingerprint, trainer }: Loaded,
  { versions }: RunDescription,
): Promise<Record<string, string>> {
  const { threads: _, ...rest } = config;
  const { train, validation, test, ...network } = fingerprint;
  return {
    versions: JSON.stringify(versions),
    ...Object.fromEntries(Object.entries(rest).map(([name, value]) => [flagOf(name), JSON.stringify(value)])),
    device: `${backend.name} on ${backend.device.kind}`,
    'training data': JSON.stringify(train),
    'validation data': JSON.stringify(validation ?? null),
    'test data': JSON.stringify(test),
    network: JSON.stringify(network),
    [computed]: await hashOf(trainer),
  };
}

/** Loaded only where it is asked for. */
async function openLog({ folder, trainer, data, done }: Run): Promise<EventLog> {
  const { createEventLog } = await import('../tensorboard/event-log.js');
  return createEventLog(folder.path, { trainer, train: data.train, done });
}

/** A network that learns shows it within so many steps. */
const patientSteps = 100;

/**
 * What to try where the losses are that of a guess among all classes, ln(classes): once, after the first epoch, but not before
 * the network had its steps or the training ends.
 */
function hintAtChance(epochs: readonly EpochRecord[], { fitted, config, data }: Run): string | null {
  const perEpoch = Math.ceil(data.train.length / config.batchSize);
  const last = epochs.at(-1);
  if (!last || epochs.length !== Math.min(config.epochs, Math.ceil(patientSteps / perEpoch))) return null;
  const { objective, outputs: classes } = fitted;
  const [chance, loss] = [Math.log(classes), Math.min(last.loss, last.test.loss)];
  if (objective.task !== 'classify' || classes < 2 || loss < 0.99 * chance) return null;
  return (
    `the loss of ${loss.toFixed(3)} is no better than a guess among ${classes} classes (${chance.toFixed(3)}): ` +
    `if it stays there, try a --learning-rate well below or above ${config.learningRate}, or batch normalization`
  );
}

/** The run's folder: the one to be continued, which gets the new configuration, or a new one. */
async function openFolder(
  { config, resume, out }: Settings,
  workingFolder: string,
  lock: (path: string) => Promise<void>,
): Promise<RunFolder> {
  if (resume === null) return createRunFolder(out, workingFolder, config, lock);
  const folder = runFolder(resume);
  await writeConfig(folder, config);
  return folder;
}

function requireEpochsToCome({ epochs }: RunConfig, saved: SavedState | null): void {
  const done = saved?.checkpoint.position.epoch ?? 0;
  if (epochs >= done) return;
  throw new UsageError(`--epochs ${epochs}: the run has ${done} epochs already; give ${done} or more`);
}

/** Exports what the kept checkpoint holds: the trainer's statistics are recalibrated by now. Returns what to tell of it. */
async function exportRun(run: Run, path: string, workingFolder: string): Promise<string> {
  const saved = await readKept(run.folder, run.config);
  if (saved) run.trainer.restore(saved.checkpoint);
  const { exportModel } = await import('../export/export-model.js');
  return exportModel({ ...run, path, workingFolder });
}

function firstBatchNorm({ fitted }: Run, { epochs, summary }: RunRecord) {
  const path = fitted.batchNormLayers[0];
  return path === undefined
    ? null
    : { path, ...(epochs.find(({ epoch }) => epoch === summary.kept?.epoch) ?? epochs.at(-1)!).batchNorm[path]! };
}

async function writeReport(folder: RunFolder, record: RunRecord): Promise<void> {
  // Loaded only now: the charts' library is large.
  const { renderReport } = await import('../report/report.js');
  const { renderCurves } = await import('../report/training-charts.js');
  await writeAtomically(folder.curves, await renderCurves(record.epochs));
  await writeAtomically(folder.report, await renderReport(record));
}

/** Charts and disks fail in many ways; what was trained is there none the less. */
function reportFailure(cause: Error): BnError {
  const [code, why] = cause instanceof BnError ? [cause.code, cause.message] : ['file' as const, `${cause}`];
  return new BnError(code, `the training is done, but not its report: ${why}`, { cause });
}

/** A failure, with what the run leaves behind. */
function withWhatIsKept(error: unknown, { epochs }: Recorder, path: string): unknown {
  const kept =
    epochs.length === 0
      ? 'no epoch was finished'
      : `the checkpoint after epoch ${epochs.length} is kept; --resume ${path} continues from there`;
  const message = `${error instanceof Error ? error.message : error} (${kept})`;
  return error instanceof BnError
    ? new BnError(error.code, message, { cause: error })
    : new Error(message, { cause: error });
}
