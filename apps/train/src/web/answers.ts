// Answers as words and bars.

import type { Answer } from './model.js';

/** More classes are not shown. */
const most = 5;

/** `cat, 93.1 %`; all labels; or all values. */
export function inWords(answer: Answer): string {
  if ('values' in answer) return answer.values.map(({ name, value }) => `${name} ${number(value)}`).join(', ');
  if ('scores' in answer) return answer.labels.length > 0 ? answer.labels.join(', ') : 'none of the labels';
  const [first] = answer.classes;
  return `${first!.class}, ${percent(first!.probability)}`;
}

/** A row for each class or label, with a bar as long as its probability; values are in words alone. */
export function bars(answer: Answer): HTMLElement | null {
  if ('values' in answer) return null;
  const rows =
    'scores' in answer
      ? answer.scores.map(({ label, score }) => ({ name: label, share: score, isGiven: score >= 0.5 }))
      : answer.classes.map((one, i) => ({ name: one.class, share: one.probability, isGiven: i === 0 }));
  const list = document.createElement('ul');
  list.className = 'bars';
  const given = rows.filter(({ isGiven }) => isGiven).length;
  list.append(...rows.slice(0, Math.max(most, given)).map(row));
  return list;
}

function row({ name, share, isGiven }: { name: string; share: number; isGiven: boolean }): HTMLElement {
  const [item, title, track, bar, number] = ['li', 'span', 'span', 'span', 'span'].map((tag) =>
    document.createElement(tag),
  ) as [HTMLElement, HTMLElement, HTMLElement, HTMLElement, HTMLElement];
  item.classList.toggle('given', isGiven);
  title.className = 'name';
  title.textContent = name;
  track.className = 'track';
  track.setAttribute('aria-hidden', 'true');
  bar.style.width = `${100 * share}%`;
  track.append(bar);
  number.className = 'share';
  number.textContent = percent(share);
  item.append(title, track, number);
  return item;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function number(value: number): string {
  return String(Number(value.toPrecision(4)));
}
