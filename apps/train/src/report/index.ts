// The public names of the report.

export { renderReport } from './report.js';
export { renderCurves } from './training-charts.js';
