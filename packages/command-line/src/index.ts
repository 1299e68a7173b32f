// The public names of @bn/command-line.

export {
  type BackendValues,
  backendFlags,
  type ComputeOptions,
  computeOptions,
  hasExactMode,
  requireExactMode,
} from './backend-flags.js';
export { checkedList, checkedOption, checkedValue } from './checked-option.js';
export { fileToWrite } from './file-to-write.js';
export { type Flag, flag, flagOption } from './flag.js';
export { importModule } from './import-module.js';
export type { Io, OutputStream } from './io.js';
export {
  atMost,
  fraction,
  isOfKind,
  type Kind,
  notNegative,
  oneOf,
  positive,
  share,
  text,
  toggle,
  wholeNumber,
} from './kinds.js';
export { type BackendModule, findBackend, importBackend, installedBackends, loadBackend } from './load-backend.js';
export {
  type DataOptions,
  type DataOutline,
  loadData,
  loadTestData,
  outlineOf,
  type RunData,
  type TestData,
} from './load-data.js';
export { median } from './median.js';
export { named, readNamed } from './named-file.js';
export { automatic, type OpenedBackend, openBackend } from './open-backend.js';
export { parseCommand } from './parse-command.js';
export { printable, wrapWords } from './printable.js';
export { type CommandModule, defineProgram, type Program } from './program.js';
export { readModelFile } from './read-model-file.js';
export { type Answer, type Argument, carryOut, Remote, type Reply, type TaskTable } from './remote.js';
export { isPath, resolvePackage, resolvePath } from './resolve-module.js';
export { stopCode } from './stop-signal.js';
export { UsageError } from './usage-error.js';
export { writeAtomically, writeError } from './write-atomically.js';
