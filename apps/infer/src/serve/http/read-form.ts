// The files of a form.

import type { IncomingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { setImmediate as othersDone } from 'node:timers/promises';
import { Busboy, type BusboyFileStream } from '@fastify/busboy';
import { HttpError } from '../http-error.js';
import { stride } from '../protocol/slices.js';

export interface FormFile {
  readonly file: string;
  readonly bytes: Buffer;
}

/** Boundaries have 70 characters at most; looking for longer ones would take long. */
const longestType = 200;

/** @throws HttpError 413 for more files, 400 for a form that is broken */
export async function readForm(body: Buffer, headers: IncomingHttpHeaders, maxFiles: number): Promise<FormFile[]> {
  const type = headers['content-type']!;
  if (type.length > longestType) throw new HttpError(400, `content-type: expected at most ${longestType} characters`);
  const files: Promise<FormFile>[] = [];
  let isFull = false;
  try {
    const limits = { files: maxFiles, parts: maxFiles + 10 };
    const form = new Busboy({ headers: { 'content-type': type }, limits });
    form.on('file', (_field, stream, file) => {
      const reading = readFile(stream, file);
      files.push(reading);
      // Told once, by what fails first.
      reading.catch(() => {});
    });
    for (const event of ['filesLimit', 'partsLimit']) {
      form.on(event, () => {
        isFull = true;
      });
    }
    const parts = async function* () {
      for (let at = 0; at < body.length && !isFull; at += stride) {
        yield body.subarray(at, at + stride);
        await othersDone();
      }
    };
    await pipeline(Readable.from(parts()), form);
    if (!isFull) return await Promise.all(files);
  } catch (error) {
    if (!isFull) throw new HttpError(400, `the form is broken: ${(error as Error).message}`);
  }
  throw new HttpError(413, `a form may have ${maxFiles} files; send fewer at a time`);
}

async function readFile(stream: BusboyFileStream, file: string): Promise<FormFile> {
  const parts: Buffer[] = [];
  stream.on('data', (part: Buffer) => parts.push(part));
  await finished(stream);
  return { file, bytes: Buffer.concat(parts) };
}
