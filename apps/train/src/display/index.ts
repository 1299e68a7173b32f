// The public names of the display.

export {
  createDisplay,
  type Display,
  type DisplayMode,
  defaultDisplayMode,
  type RunOutcome,
  type RunStart,
} from './display.js';
