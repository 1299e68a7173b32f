// What the page asks the server.

import type { RankedClass } from './class-list.js';

/** Names of all models. */
export async function modelNames(): Promise<string[]> {
  return (await ask<{ models: string[] }>('v2/models')).models;
}

/** Width and height of the images that a model takes, in pixels. */
export async function inputSize(model: string): Promise<{ width: number; height: number }> {
  const { parameters } = await ask<{ parameters: { signature?: string } }>(`v2/models/${encodeURIComponent(model)}`);
  return JSON.parse(parameters.signature ?? '{}').input?.image ?? { width: 1, height: 1 };
}

/** All classes, the most probable first; labels by their scores likewise. */
export async function classify(model: string, image: Blob, invert: boolean): Promise<RankedClass[]> {
  const query = new URLSearchParams({ model, invert: String(invert) });
  const answer = await ask<Answer>(`classify?${query}`, { method: 'POST', body: image });
  if (answer.classes) return answer.classes;
  if (answer.scores)
    return answer.scores.map(({ label, index, score }) => ({ class: label, index, probability: score }));
  throw new Error(answer.values!.map(({ name, value }) => `${name} ${value}`).join(', '));
}

interface Answer {
  readonly classes?: RankedClass[];
  readonly scores?: { readonly label: string; readonly index: number; readonly score: number }[];
  readonly values?: { readonly name: string; readonly value: number }[];
}

async function ask<T>(url: string, request: RequestInit = {}): Promise<T> {
  const response = await fetch(url, request).catch(() => {
    throw new Error('The server does not answer.');
  });
  const answer = (await response.json()) as T & { error?: string };
  if (!response.ok) throw new Error(answer.error ?? response.statusText);
  return answer;
}
