// How people start this program: where a message has a command to copy.

/** By the package manager in a clone of the repository, where it may not be installed; else the package's own program. */
export const invocation: string = /[/\\]node_modules[/\\]/.test(import.meta.dirname)
  ? 'npx --no-install bn-train'
  : 'npx -y pnpm@12.21.0 train';
