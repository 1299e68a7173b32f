// The public names of @bn/command-line.

export * from './backend-flags.js';
export { CheckedCommand, checkedList, checkedOption, checkedValue } from './checked-option.js';
export { fileToWrite } from './file-to-write.js';
export { type Flag, flag, flagOption } from './flag.js';
export { importModule } from './import-module.js';
export type { Io, OutputStream } from './io.js';
export * from './kinds.js';
export {
  type BackendModule,
  findBackend,
  importBackend,
  installedBackends,
  loadBackend,
  requireBackend,
} from './load-backend.js';
export * from './load-data.js';
export { isMachineFault } from './machine-fault.js';
export { makeFolder } from './make-folder.js';
export { median } from './median.js';
export { named, readIfThere, readNamed } from './named-file.js';
export { automatic, type OpenedBackend, openBackend } from './open-backend.js';
export { installCommand, notInstalled, optionalBackends } from './optional-package.js';
export { hostName, isOwnHost } from './own-host.js';
export { parseCommand } from './parse-command.js';
export { printable, wrapWords } from './printable.js';
export { type CommandModule, defineProgram, type Program } from './program.js';
export { joinQueue, openRedis, type QueueFlags, queueFlags, redisUrl } from './queue-flags.js';
export { readModelFile } from './read-model-file.js';
export * from './remote.js';
export { isPath, resolvePackage, resolvePath } from './resolve-module.js';
export { stopCode } from './stop-signal.js';
export { UsageError } from './usage-error.js';
export { version } from './version.js';
export { writeAtomically, writeError } from './write-atomically.js';
