// A package index on this machine with one small wheel, and ways for it to fail.

import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { crc32 } from 'node:zlib';
import { onTestFinished } from 'vitest';
import type { Wheel } from '../src/wheel.js';

const contents = {
  'small/lib/libsmall.so.1': 'a library'.repeat(10_000),
  'small/include/small.h': 'a header',
  'small/bin/tool': 'a program',
  'small-1.0.dist-info/licenses/License.txt': 'a licence',
};
export const archive = zip(contents);

export const wheel: Wheel = {
  project: 'small',
  version: '1.0',
  file: 'small-1.0-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl',
  bytes: archive.length,
  unpackedBytes: 100_000,
  sha256: createHash('sha256').update(archive).digest('hex'),
  licence: 'MIT',
  members: [
    [/^small\/(lib\/.+)/, '$1'],
    [/^small\/bin\/tool$/, 'tool'],
  ],
};

/** What the server does instead of answering a request for the file, given how many came before. */
export type Fault = (request: IncomingMessage, response: ServerResponse, count: number) => boolean;

export interface SmallIndex {
  readonly url: string;
  /** The Range headers of the requests for the file, in order; `all` without one. */
  readonly ranges: string[];
}

export async function smallIndex({
  html = false,
  ranges = true,
  fault = (() => false) as Fault,
} = {}): Promise<SmallIndex> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    if (request.url === '/simple/small/') return answerPage(response, html);
    if (request.url !== '/files/wheel') return response.writeHead(404).end();
    seen.push(request.headers.range ?? 'all');
    if (fault(request, response, seen.length - 1)) return;
    const start = ranges ? Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0) : 0;
    response.writeHead(start > 0 ? 206 : 200, { 'content-length': archive.length - start });
    response.end(archive.subarray(start));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/simple`, ranges: seen };
}

function answerPage(response: ServerResponse, html: boolean) {
  const [type, body] = html
    ? ['text/html', `<a class="x" href="../../files/wheel#sha256=0">\n${wheel.file}</a>`]
    : [
        'application/vnd.pypi.simple.v1+json',
        JSON.stringify({ files: [{ filename: wheel.file, url: '../../files/wheel' }] }),
      ];
  return response.writeHead(200, { 'content-type': type }).end(body);
}

/** Sends the first half, then cuts the connection. */
export function cutOff(response: ServerResponse): true {
  response.writeHead(200, { 'content-length': archive.length });
  response.write(archive.subarray(0, archive.length / 2), () => setTimeout(() => response.destroy(), 20));
  return true;
}

/** A zip whose members are stored as they are; those in bin/ are executable. */
function zip(files: Readonly<Record<string, string>>): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const [path, data] = [Buffer.from(name), Buffer.from(text)];
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt32LE(crc32(data), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(data.length, 18);
    common.writeUInt16LE(path.length, 22);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(((name.includes('/bin/') ? 0o100755 : 0o100644) << 16) >>> 0, 6);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\x03'), common, tail, path);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, path, data]);
    parts.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  const count = Object.keys(files).length;
  end.writeUInt16LE(count, 8);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, end]);
}
