// The report's one style sheet. Charts take their colours from its variables, so that they follow light and dark.

import { heatLevels } from './confusion-section.js';

/** Colours that tell runs apart, `--run1` and so on: of equal contrast on the page, light and dark. */
const [runsLight, runsDark] = [
  ['#2563c9', '#c2410c', '#12806a', '#8a3ffc', '#a3195b', '#7a5d00', '#0e7490', '#5b6570'],
  ['#6ea8fe', '#f59e5b', '#4cc2a0', '#b69cf7', '#f080b0', '#d9b84a', '#4fc3e0', '#9aa3ad'],
];
export const runColors = 8;
const runVariables = (colors: readonly string[] = []) => colors.map((color, i) => `--run${i + 1}: ${color};`).join(' ');

const dark = `
  --page: #121416; --card: #1a1d21; --ink: #e8eaed; --muted: #9aa3ad; --grid: #2f343a; --edge: #2a2f35;
  --train: #6ea8fe; --test: #f59e5b; --validation: #c99cf0; --gamma: #b69cf7; --beta: #4cc2a0; --right: 76 142 245; --wrong: 244 110 86;
  ${runVariables(runsDark)}`;

/** From hardly to fully coloured; text stays readable on all. */
const heat = Array.from({ length: heatLevels }, (_, i) => {
  const level = i + 1;
  const opacity = Math.round((level / heatLevels) * 62);
  return `.right${level} { background: rgb(var(--right) / ${opacity}%) } .wrong${level} { background: rgb(var(--wrong) / ${opacity}%) }`;
}).join('\n');

export const styleSheet = `
:root {
  color-scheme: light dark;
  --page: #f6f7f8; --card: #ffffff; --ink: #1a1d21; --muted: #5b6570; --grid: #e2e5e9; --edge: #e4e7ea;
  --train: #2563c9; --test: #d2631a; --validation: #8a3ea8; --gamma: #6b46d6; --beta: #12806a; --right: 52 120 235; --wrong: 232 84 56;
  ${runVariables(runsLight)}
}
@media screen and (prefers-color-scheme: dark) { :root {${dark} } }
* { box-sizing: border-box }
body {
  margin: 0 auto; padding: 2.5rem 1.5rem 4rem; max-width: 68rem; background: var(--page); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums;
}
h1, h2, h3, p, figure, dl, dd, ol, ul { margin: 0; padding: 0 }
h1 { font-size: clamp(1.5rem, 4vw, 2.1rem); line-height: 1.2; letter-spacing: -0.02em; overflow-wrap: anywhere; text-wrap: balance }
h2 { font-size: 1.25rem; letter-spacing: -0.01em; margin-bottom: .75rem }
h3 { font-size: 1rem; overflow-wrap: anywhere }
header p { margin-top: .4rem }
section { margin-top: 2.75rem }
main > .card:first-child { margin-top: 1.5rem }
.eyebrow { color: var(--train); font-size: .8rem; font-weight: 600; letter-spacing: .06em; text-transform: uppercase; margin: 0 0 .3rem }
.muted, .note { color: var(--muted); font-weight: normal }
.note { max-width: 52rem; margin: -.35rem 0 1rem; font-size: .925rem }
.card { background: var(--card); border: 1px solid var(--edge); border-radius: .75rem; padding: 1.1rem 1.25rem }
.pair { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr)); gap: 1rem 1.25rem }
svg { display: block; width: 100%; height: auto; margin-top: .5rem; overflow: visible }

.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: 1rem; margin-top: 1.75rem }
.figures dt { color: var(--muted); font-size: .9rem }
.figures .value { font-size: 1.9rem; font-weight: 600; line-height: 1.25; letter-spacing: -0.02em }
.figures dd.muted { font-size: .8rem; line-height: 1.35; overflow-wrap: anywhere }

figcaption { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; align-items: baseline }
.legend { color: var(--muted); font-size: .9rem }
.key { display: inline-block; width: 1.4rem; margin: 0 .4rem .25rem .7rem; border-top: 2px solid var(--train); vertical-align: middle }
.key.validation { border-top: 2px dotted var(--validation) }
.key.test { border-top: 2px dashed var(--test) }
.key.plain { border-top-color: var(--muted) }
.key.dashed { border-top-style: dashed }
.key.dotted { border-top-style: dotted }
.ring { display: inline-block; width: .6rem; height: .6rem; margin: 0 .4rem 0 .7rem; border: 2px solid var(--muted); border-radius: 50%; vertical-align: middle }
${Array.from({ length: runColors }, (_, i) => `.key.run${i + 1} { border-top: 4px solid var(--run${i + 1}) }`).join('\n')}
.choices { margin-top: 1rem; min-width: 0 }
.choices legend { padding: 0 .4rem; color: var(--muted) }
.choices ul { display: flex; flex-wrap: wrap; gap: .3rem 1.4rem; list-style: none; max-height: 9rem; overflow-y: auto; font-size: .925rem }
.runs { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; list-style: none; margin: -.2rem 0 1rem; font-size: .925rem; overflow-wrap: anywhere }
.runs .key { margin-left: 0 }
details { margin-top: 1rem }
summary { cursor: pointer; color: var(--muted); font-size: .925rem }
.layer { margin-bottom: 1rem }
.layers > summary { margin-bottom: 1rem }
.layer .pair { margin-top: .5rem }
.layer figcaption { justify-content: flex-start; gap: .4rem; font-size: .925rem }
.layer details { margin-top: .6rem }
.values { margin-top: .5rem; font: .8rem/1.6 ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere }

.scroll { overflow-x: auto }
.card + .scroll { margin-top: 1.25rem }
pre { margin: 0; font: .85rem/1.45 ui-monospace, "SF Mono", Menlo, Consolas, monospace }
table { border-collapse: separate; border-spacing: 2px; font-size: .875rem }
.epochs { width: 100%; margin-top: .75rem; border-spacing: 0 }
.epochs th { color: var(--muted); font-weight: normal }
.epochs th, .epochs td { padding: .3rem .6rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--grid) }
.epochs tbody th, .epochs thead > tr > :first-child, .text td, .text th { text-align: left }
.epochs tbody tr:last-child > * { border-bottom: 0 }
.matrix { display: grid; grid-template-columns: minmax(0, auto) minmax(15rem, 1fr); gap: 1.5rem 2.5rem }
.confusion th { font-weight: normal; color: var(--muted); text-align: left; white-space: nowrap }
.confusion tbody th { padding-right: .6rem; position: sticky; left: 0; background: var(--card) }
.confusion thead th { vertical-align: bottom; padding-bottom: .35rem }
.confusion thead span { display: block; margin: 0 auto; writing-mode: vertical-rl; transform: rotate(180deg); line-height: 1.1 }
.confusion td { min-width: 2.45rem; height: 2.1rem; padding: 0 .3rem; text-align: center; border-radius: .25rem }
.confusion .share { padding-left: .6rem; color: var(--muted); text-align: right; white-space: nowrap }
${heat}
.pairs ol { margin-top: .6rem; list-style: none; font-size: .925rem }
.pairs li { display: flex; justify-content: space-between; gap: 1rem; padding: .4rem 0; border-bottom: 1px solid var(--grid) }
.pairs li:last-child { border-bottom: 0 }

.images { display: grid; grid-template-columns: repeat(auto-fill, minmax(7rem, 1fr)); gap: 1.1rem .9rem; list-style: none }
.images img { display: block; width: 100%; aspect-ratio: 1; object-fit: contain; background: #000; border-radius: .4rem; image-rendering: pixelated; margin-bottom: .35rem }
.images span { display: block; font-size: .8rem; line-height: 1.35; overflow-wrap: anywhere }
.images .predicted { color: rgb(var(--wrong)) }
.images .predicted::before { content: "→ " }

.sheets { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 14rem), 1fr)); gap: 1.1rem; list-style: none }
.sheets img { display: block; width: 100%; image-rendering: pixelated; margin-bottom: .35rem }
.small { width: 2.5rem; image-rendering: pixelated; vertical-align: middle; margin-right: .6rem }
.warnings { padding-left: 2.2rem }
.bar { display: inline-block; width: 8rem; margin: 0 .5rem 0 0; fill: var(--train); vertical-align: middle }
.bar.test { fill: var(--test) }

.images.pairs-of-images { grid-template-columns: repeat(auto-fill, minmax(12rem, 1fr)) }
.images.pairs-of-images img { aspect-ratio: auto; background: none; border-radius: 0 }
.sheet { display: block; width: 100%; max-width: 44rem; image-rendering: pixelated }

.definitions { font-size: .9rem }
.definitions div { display: flex; justify-content: space-between; gap: 1.5rem; padding: .35rem 0; border-bottom: 1px solid var(--grid) }
.definitions div:last-child { border-bottom: 0 }
.definitions dt { color: var(--muted) }
.definitions dd { text-align: right; overflow-wrap: anywhere; min-width: 0 }

@media (max-width: 60rem) { .matrix { grid-template-columns: minmax(0, 1fr) } }
@media (max-width: 30rem) {
  body { padding: 1.5rem .9rem 3rem }
  .card { padding: .9rem }
  .figures { grid-template-columns: 1fr 1fr; gap: .7rem }
  .figures .value { font-size: 1.55rem }
  .figures div:last-child:nth-child(odd) { grid-column: 1 / -1 }
  .confusion { border-spacing: 1px; font-size: .75rem }
  .confusion td { min-width: 1.55rem; height: 1.8rem; padding: 0; font-size: .68rem }
  .confusion tbody th { padding-right: .3rem }
  .confusion .share, .confusion thead th:last-child { display: none }
  .images { grid-template-columns: repeat(auto-fill, minmax(4.75rem, 1fr)) }
}
@media print {
  :root { color-scheme: light }
  body { max-width: none; padding: 0; font-size: 10pt; background: none; print-color-adjust: exact; -webkit-print-color-adjust: exact }
  section { margin-top: 1.6rem }
  .card { padding: .7rem .9rem }
  .pair { grid-template-columns: 1fr 1fr }
  .figures { grid-template-columns: repeat(5, 1fr); gap: .6rem }
  .figures .value { font-size: 1.35rem }
  .images { grid-template-columns: repeat(8, 1fr) }
  .card, .note, .images li, figure { break-inside: avoid }
  h2, .note { break-after: avoid }
  .scroll { overflow: visible }
  details:not([open]) { display: none }
}
`;
