// The Python package index, read by Node: the simple API in JSON (PEP 691) or HTML (PEP 503).

import { join } from 'node:path';
import { BnError } from '@bn/core';
import { download } from './download.js';
import type { Wheel, WheelSource } from './wheel.js';

export const defaultIndex = 'https://pypi.org/simple';

/** An index by its URL, which may hold a name and a password. */
export class PackageIndex implements WheelSource {
  readonly #url: URL;

  constructor(url: string) {
    this.#url = new URL(`${url.replace(/\/+$/, '')}/`);
  }

  get description(): string {
    return `the Python package index ${this.#url.host}`;
  }

  /** Whether the index answers with a page for the project. */
  async hasProject(project: string): Promise<boolean> {
    return this.#files(project).then(
      () => true,
      () => false,
    );
  }

  async fetch(wheel: Wheel, folder: string, options: Parameters<WheelSource['fetch']>[2]): Promise<void> {
    const url = (await this.#files(wheel.project)).get(wheel.file);
    if (!url) {
      throw new BnError(
        'file',
        `${this.description} has no ${wheel.file}; use another index by PIP_INDEX_URL, or a complete mirror of pypi.org`,
      );
    }
    // The password is the index's: files may lie with others.
    const headers = url.host === this.#url.host ? this.#headers() : {};
    await download(url, join(folder, wheel.file), { ...options, headers, bytes: wheel.bytes });
  }

  /** URLs of the project's files, by name. */
  async #files(project: string): Promise<Map<string, URL>> {
    const page = new URL(`${project}/`, this.#url);
    page.username = page.password = '';
    const accept = 'application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1';
    const response = await fetch(page, { headers: { ...this.#headers(), accept } }).catch((cause) => {
      throw new BnError('file', `${this.description} does not answer (${reasonOf(cause)}); check the network`, {
        cause,
      });
    });
    if (!response.ok) {
      throw new BnError('file', `${this.description} answers ${response.status} for ${project}; check PIP_INDEX_URL`);
    }
    const json = response.headers.get('content-type')?.includes('json');
    const files = json ? filesOfJson(await response.json()) : filesOfHtml(await response.text());
    return new Map(files.map(([name, url]) => [name, new URL(url, response.url)]));
  }

  #headers(): Record<string, string> {
    const { username, password } = this.#url;
    if (!username) return {};
    const text = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    return { authorization: `Basic ${Buffer.from(text).toString('base64')}` };
  }
}

function filesOfJson(page: unknown): [string, string][] {
  const { files } = page as { files: { filename: string; url: string }[] };
  return files.map(({ filename, url }) => [filename, url]);
}

function filesOfHtml(page: string): [string, string][] {
  const links = page.matchAll(/<a\s[^>]*?href\s*=\s*["']([^"']+)["'][^>]*>\s*([^<]+?)\s*<\/a>/gi);
  return [...links].map((match) => [match[2]!, match[1]!.replaceAll('&amp;', '&')]);
}

/** fetch says only that it failed; the cause says why. */
export function reasonOf(error: Error): string {
  return error.cause instanceof Error
    ? error.cause.message || (error.cause as NodeJS.ErrnoException).code || ''
    : error.message;
}
