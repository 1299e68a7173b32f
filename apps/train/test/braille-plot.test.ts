import { describe, expect, test } from 'vitest';
import { braillePlot, type Curve } from '../src/display/braille-plot.js';

const curve = (points: Curve['points'], sign = ''): Curve => ({
  name: `curve${sign}`,
  points,
  line: sign === '' ? 'solid' : 'dashed',
  paint: (text) => `${sign}${text}${sign}`,
});
const size = { width: 20, height: 8, end: 5, unit: 'epoch' };
const rising = [0, 1, 2, 3, 4, 5].map((x) => [x, x / 5] as const);

describe('braillePlot', () => {
  test('draws a line through its points, from mark to mark of both axes', () => {
    expect(braillePlot([curve(rising)], size)).toEqual([
      '      ━━ curve 1.000',
      '  1.0 ┤          ⢀⠤⠊',
      '      │        ⡠⠒⠁',
      '  0.5 ┤     ⣀⠔⠉',
      '      │  ⢀⠤⠊',
      '  0.0 ┤⡠⠒⠁',
      '      └───────┴─────',
      'epoch         3',
    ]);
  });

  test('shows both of two curves that cross, the later one dashed and in its own colour', () => {
    const falling = rising.map(([x, y]) => [x, 1 - y] as const);
    const lines = braillePlot([curve(rising), curve(falling, '*')], { ...size, width: 40 });
    expect(lines[0]).toBe('      ━━ curve 1.000  *╍╍* curve* 0.000');
    expect(lines[1]).toMatch(/^ {2}1\.0 ┤\*.+\*.*[⠀-⣿]$/);
    expect(lines[5]).toMatch(/^ {2}0\.0 ┤[⠀-⣿]+.*\*.+\*$/);
  });

  test('points at a place of the x axis, and leaves out the last names where they have no room', () => {
    const pointer = { x: 3, name: 'best epoch 3' };
    const wide = braillePlot([{ ...curve(rising), line: 'dotted' }], { ...size, width: 40, pointer });
    expect(wide[0]).toBe('      ┅┅ curve 1.000  ▲ best epoch 3');
    expect(wide[6]).toMatch(/^ {6}└─+┴.*▲/);
    expect(wide[7]!.indexOf('3')).toBe(wide[6]!.indexOf('▲'));
    const narrow = braillePlot([curve(rising), curve(rising, '*')], { ...size, width: 25, pointer });
    expect(narrow[0]).toBe('      ━━ curve  *╍╍* curve*');
  });

  test('leaves out what is not finite, and draws an empty grid without points', () => {
    expect(braillePlot([curve([[1, Number.NaN]])], size)).toEqual(braillePlot([curve([])], size));
    expect(braillePlot([curve([])], size).slice(1, 3)).toEqual(['  1.0 ┤', '      │']);
  });

  test.each([
    [[0.00012, 0.00015], '0.00016 ┤'],
    [[1200, 3900], ' 4000 ┤'],
    [[-0.3, 0.2], '  0.5 ┤'],
    [[0.7, 0.7], ' 0.71 ┤'],
  ])('puts marks at round numbers around %j', (values, top) => {
    const points = values.map((value, i) => [i, value] as const);
    expect(braillePlot([curve(points)], size)[1]).toContain(top);
  });
});
