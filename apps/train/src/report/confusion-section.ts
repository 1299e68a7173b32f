// Which classes the trained network takes for which, on the test data.

import { type Confusion, mistakesIn } from '@bn/core';
import { type Html, html } from './html.js';

/** A table of more classes than this tells nobody anything; the pairs beside it still do. */
const mostClasses = 40;
const mostPairs = 8;
/** Steps of colour between none and all of a row. The style sheet has a class for each. */
export const heatLevels = 8;

/** Null where nothing was counted. */
export function confusionSection(confusion: Confusion, classNames: readonly string[]): Html | null {
  if (!confusion.some((row) => row.some((count) => count > 0))) return null;
  const name = (label: number) => classNames[label] ?? String(label);
  return html`<section><h2>Confusion matrix</h2>
<p class="note">Test data: rows are the true classes, columns what the network says.</p>
<div class="card matrix">
${confusion.length <= mostClasses && table(confusion, name)}
${pairs(confusion, name)}
</div></section>`;
}

function table(confusion: Confusion, name: (label: number) => string): Html {
  const rows = confusion.map((row, actual) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    const cells = row.map((count, predicted) => {
      // The root makes rare mistakes visible.
      const heat = total === 0 ? 0 : Math.ceil(Math.sqrt(count / total) * heatLevels);
      return html`<td class="${predicted === actual ? 'right' : 'wrong'}${heat}">${count || ''}</td>`;
    });
    const share = total === 0 ? '' : `${((100 * row[actual]!) / total).toFixed(1)} %`;
    return html`<tr><th scope="row">${name(actual)}</th>${cells}<td class="share">${share}</td></tr>\n`;
  });
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Confusion matrix"><table class="confusion">
<thead><tr><td></td>${confusion.map((_, label) => html`<th scope="col"><span>${name(label)}</span></th>`)}<th scope="col"><span>right</span></th></tr></thead>
<tbody>${rows}</tbody></table></div>`;
}

function pairs(confusion: Confusion, name: (label: number) => string): Html | null {
  const mistakes = mistakesIn(confusion).slice(0, mostPairs);
  if (mistakes.length === 0) return null;
  return html`<div class="pairs"><h3>Most frequent mistakes</h3><ol>${mistakes.map(
    ({ actual, predicted, count }) =>
      html`<li><span>${name(actual)} <span class="muted">taken for</span> ${name(predicted)}</span> <b>${count}</b></li>`,
  )}</ol></div>`;
}
