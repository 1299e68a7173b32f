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

function glibcVersion(): string | undefined {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime;
}
