// The classes with their probabilities, as bars.

export interface RankedClass {
  readonly class: string;
  readonly index: number;
  readonly probability: number;
}

/** More are not shown in the model's own order, but the most probable alone. */
const most = 20;
const shownOfMany = 10;

/**
 * Few classes keep their places, so that one sees them change.
 *
 * @param classes all, the most probable first
 */
export function showClasses(list: HTMLElement, classes: readonly RankedClass[]): void {
  const [first] = classes;
  const isFew = classes.length <= most;
  const rows = isFew ? classes.toSorted((a, b) => a.index - b.index) : classes.slice(0, shownOfMany);
  while (list.children.length > rows.length) list.lastElementChild!.remove();
  while (list.children.length < rows.length) list.append(emptyRow());
  for (const [i, { class: name, index, probability }] of rows.entries()) {
    const row = list.children[i]!;
    const [title, track, share] = row.children as unknown as [HTMLElement, HTMLElement, HTMLElement];
    row.classList.toggle('first', index === first?.index && probability > 0);
    title.textContent = name;
    title.title = name;
    (track.firstElementChild as HTMLElement).style.width = `${probability * 100}%`;
    share.textContent = percent(probability);
  }
}

export function percent(probability: number): string {
  const value = probability * 100;
  return `${value < 0.05 ? '0' : value.toFixed(1)} %`;
}

function emptyRow(): HTMLElement {
  const row = document.createElement('li');
  for (const name of ['name', 'track', 'share']) {
    const part = document.createElement('span');
    part.className = name;
    row.append(part);
  }
  const bar = document.createElement('div');
  bar.className = 'bar';
  row.children[1]!.append(bar);
  row.children[1]!.setAttribute('aria-hidden', 'true');
  return row;
}
