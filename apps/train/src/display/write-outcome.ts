// What a command ends with that tells something and records nothing: a text or a line of JSON, and a page if one is asked for.

import { fileToWrite, type Io, writeAtomically } from '@bn/command-line';

/** How an outcome is wanted. */
export interface OutcomeForm {
  /** One line of JSON in place of the text. */
  readonly json?: boolean | undefined;
  /** Absolute path of the page; null for none. */
  readonly html: string | null;
}

export interface Outcome {
  /** What the line of JSON is called. */
  readonly type: string;
  readonly record: object;
  /** For people, without what would steer their terminal. */
  text(): string;
  /** An HTML file. Charts' libraries are large: to be loaded here. */
  page?(): string | Promise<string>;
}

/** The file that `--html` names, absolute; null for none. @throws UsageError for a file without a folder */
export function pageFile(html: string | undefined, cwd: string): string | null {
  return html === undefined ? null : fileToWrite('--html', html, cwd);
}

export async function writeOutcome({ stdout }: Io, { json, html }: OutcomeForm, outcome: Outcome): Promise<void> {
  stdout.write(`${json ? JSON.stringify({ type: outcome.type, ...outcome.record }) : outcome.text()}\n`);
  if (html !== null && outcome.page) await writeAtomically(html, await outcome.page());
}
