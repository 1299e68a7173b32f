// Vega-Lite charts as SVG text.

import type { TopLevelSpec } from 'vega-lite';
import { escapeMarkup, Html } from './html.js';

/** What a chart is told of its place: names of colours and fonts, which the page or the file defines. */
export interface ChartTheme {
  readonly font: string;
  readonly ink: string;
  readonly muted: string;
  readonly grid: string;
}

/** For inline use: follows the page's font and its light and dark colours. */
export const pageTheme: ChartTheme = {
  font: 'inherit',
  ink: 'var(--ink)',
  muted: 'var(--muted)',
  grid: 'var(--grid)',
};

/**
 * @param title told by screen readers, and shown by browsers when the pointer rests on the chart
 * @throws if the specification is not valid Vega-Lite
 */
export async function renderChart(spec: TopLevelSpec, title: string, theme: ChartTheme): Promise<Html> {
  // Loaded here because it takes half a second, which the start of a training need not wait for.
  const [vega, { compile }] = await Promise.all([import('vega'), import('vega-lite')]);
  const compiled = compile({ ...spec, config: { ...config(theme), ...spec.config } });
  const view = new vega.View(vega.parse(compiled.spec), { renderer: 'none' });
  const svg = await view.toSVG();
  view.finalize();
  return new Html(
    svg
      .replace('<svg ', '<svg role="img" ')
      .replace(/^(<svg [^>]*>)/, (opening) => `${opening}<title>${escapeMarkup(title)}</title>`)
      .replace(' class="marks"', '')
      // Of groups within what is one picture.
      .replace(/ (role="graphics-[a-z]+"|aria-roledescription="[^"]*")/g, ''),
  );
}

function config({ font, ink, muted, grid }: ChartTheme): TopLevelSpec['config'] {
  return {
    aria: false,
    background: undefined,
    font,
    // All charts of one size are equally large with their axes, whatever these say.
    autosize: { type: 'fit', contains: 'padding' },
    padding: { left: 0, top: 8, right: 12, bottom: 2 },
    view: { stroke: null },
    axis: {
      domain: false,
      ticks: false,
      grid: true,
      gridColor: grid,
      labelColor: muted,
      labelFontSize: 12,
      labelFlush: false,
      labelPadding: 6,
      titleColor: muted,
      titleFontSize: 12,
      titleFontWeight: 'normal',
      titlePadding: 6,
    },
    axisX: { grid: false, domain: true, domainColor: grid },
    axisY: { minExtent: 32 },
    legend: { title: null, labelColor: ink, labelFontSize: 12, symbolStrokeWidth: 2, symbolSize: 300 },
    line: { strokeWidth: 2, strokeCap: 'round', strokeJoin: 'round' },
  };
}
