// Training speeds as bars: one panel per network, one bar per participant.

import { summarize } from '../measure/summarize.js';
import { type BenchReport, nameOf } from './bench-report.js';
import { drawChart } from './draw-chart.js';

/** SVG. Bars are medians, lines on them reach from the lowest to the highest. */
export function speedChart({ results }: BenchReport): Promise<string> {
  return drawChart({
    resolve: { scale: { x: 'independent', y: 'independent' } },
    vconcat: results.map(({ network, measured }) => {
      const bars = measured
        .filter(({ epochs }) => epochs.length > 0)
        .map((one) => ({ name: nameOf(one), isOurs: one.name.startsWith('@bn/'), ...summarize(one.epochs) }))
        .sort((a, b) => b.median - a.median);
      return {
        title: network,
        width: 480,
        data: { values: bars },
        encoding: {
          y: {
            field: 'name',
            type: 'nominal',
            sort: bars.map(({ name }) => name),
            axis: { title: null, labelLimit: 0 },
          },
        },
        layer: [
          {
            mark: 'bar',
            encoding: {
              x: { field: 'median', type: 'quantitative', axis: { title: 'training, examples/s', format: '~s' } },
              color: {
                field: 'isOurs',
                type: 'nominal',
                legend: null,
                scale: { domain: [true, false], range: ['#1d5fd1', '#a9b2c0'] },
              },
            },
          },
          {
            mark: { type: 'rule', color: '#16181d' },
            encoding: { x: { field: 'lowest', type: 'quantitative' }, x2: { field: 'highest' } },
          },
        ],
      };
    }),
  });
}
