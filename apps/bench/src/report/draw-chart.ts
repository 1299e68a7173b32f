// What all charts have in common.

import * as vega from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';

/** The chart as SVG, on white. */
export async function drawChart(chart: TopLevelSpec): Promise<string> {
  const spec: TopLevelSpec = {
    ...chart,
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    background: '#ffffff',
    padding: 16,
    config: { font: 'Helvetica, Arial, sans-serif', view: { stroke: null }, axis: { gridColor: '#e3e6ea' } },
  };
  const view = new vega.View(vega.parse(compile(spec).spec), { renderer: 'none' });
  const svg = await view.toSVG();
  view.finalize();
  return `<?xml version="1.0" encoding="UTF-8"?>\n${svg}\n`;
}
