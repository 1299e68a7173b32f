// IDX files of bytes, as MNIST and Fashion-MNIST come in, gzipped or not.

/** All bytes behind the header: images one after the other, or labels. */
export async function readIdx(file: Blob): Promise<Uint8Array> {
  const content = new Uint8Array(await file.arrayBuffer());
  const isPacked = content[0] === 0x1f && content[1] === 0x8b;
  const bytes = isPacked ? await unpack(content) : content;
  const [zero, alsoZero, type, rank] = bytes;
  if (zero !== 0 || alsoZero !== 0 || type !== 8) throw new Error('the data is in no IDX file of bytes');
  return bytes.subarray(4 + 4 * rank!);
}

async function unpack(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
