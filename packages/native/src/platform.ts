// Which platforms the published libraries fit.

/** Linux x64 with glibc: what Python's manylinux wheels are for. */
export function isManylinux(): boolean {
  return process.platform === 'linux' && process.arch === 'x64' && glibcVersion() !== undefined;
}

/** `linux x64`, `linux x64 (musl)`, `darwin arm64`. */
export function platformName(): string {
  const musl = process.platform === 'linux' && glibcVersion() === undefined;
  return `${process.platform} ${process.arch}${musl ? ' (musl)' : ''}`;
}

/** Made once: a report takes some milliseconds, and programs ask as they start. */
let header: { readonly glibcVersionRuntime?: string } | undefined;

function glibcVersion(): string | undefined {
  header ??= (process.report.getReport() as { header: { glibcVersionRuntime?: string } }).header;
  return header.glibcVersionRuntime;
}
