// The public names of @bn/native.

export { type Installation, install, installed, uninstall } from './install.js';
export { narrator, type TextStream } from './narrator.js';
export { cacheFolder, folderVariable, nativeRoot } from './native-folder.js';
export { isManylinux, platformName } from './platform.js';
export { preload } from './preload.js';
export { absentHardware, type Explanation, explain, type KnownFailure, probe } from './probe.js';
export { runSetupCommand, type SetupAdvice, setupAdvice, setupFlags } from './setup-command.js';
export type { Progress, Setup, SetupOptions } from './setup-options.js';
export { type Wheel, type WheelFile, type WheelSource, wheelOf } from './wheel.js';
