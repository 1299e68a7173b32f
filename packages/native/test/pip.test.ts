// How pip is asked, and when.

import { expect, test } from 'vitest';
import { downloadFlags, needsPip, parseSettings } from '../src/pip.js';
import { wheel } from './small-index.js';

test('pip takes the very file, whatever the Python that runs it', () => {
  expect(downloadFlags(wheel).join(' ')).toBe(
    '--no-deps --only-binary=:all: --implementation cp --python-version 3.11 ' +
      '--platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 small==1.0',
  );
  const file = 'onnxruntime_gpu-1.30.0-cp312-cp312-manylinux_2_28_x86_64.whl';
  expect(downloadFlags({ ...wheel, file })).toContain('3.12');
});

test('pip is needed where its configuration has more than the URL of an index', () => {
  const pip = (text: string) => ({ python: 'python3', settings: parseSettings(text) });
  expect(needsPip(pip(''))).toBe(false);
  expect(needsPip(pip("global.index-url='https://example.org/simple'\n:env:.timeout='60'\n"))).toBe(false);
  expect(needsPip(pip(":env:.cert='/etc/certificates.pem'\n"))).toBe(true);
  expect(needsPip(pip("global.proxy='http://127.0.0.1:3128'\r\n"))).toBe(true);
  expect(pip("global.index-url='https://example.org/simple'\r\n").settings.get('index-url')).toBe(
    'https://example.org/simple',
  );
});
