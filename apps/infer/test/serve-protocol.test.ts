// The Open Inference Protocol: what requests say, what answers say, and what is refused.

import type { Spec } from '@bn/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeResponse } from '../src/serve/protocol/encode-response.js';
import { metadataOf } from '../src/serve/protocol/metadata.js';
import { type ModelInterface, parseRequest as parsing } from '../src/serve/protocol/parse-request.js';
import { inSlices } from '../src/serve/protocol/slices.js';

/** All slices of the work at once. */
function parseRequest(...request: Parameters<typeof parsing>) {
  const steps = parsing(...request);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}
function tryTo<T>(task: () => T): T | null {
  try {
    return task();
  } catch {
    return null;
  }
}
const model = (dtype: Spec['dtype'] = 'uint8'): ModelInterface => ({
  input: { name: 'x', spec: { dtype, shape: [null, 2, 2] } },
  outputs: new Map<string, Spec>([
    ['logits', { dtype: 'float32', shape: [null, 3] }],
    ['class', { dtype: 'int32', shape: [null] }],
  ]),
});
const input = { name: 'x', shape: [1, 2, 2], datatype: 'UINT8', data: [1, 2, 3, 255] };
const parse = (request: unknown, dtype?: Spec['dtype']) =>
  parseRequest(Buffer.from(JSON.stringify(request)), undefined, model(dtype));
/** A request with the tensor as bytes after the JSON. */
const parseBinary = (bytes: Uint8Array, overrides: object = {}, dtype: Spec['dtype'] = 'uint8') => {
  const { data: _, ...head } = { ...input, parameters: { binary_data_size: bytes.length }, ...overrides };
  const json = Buffer.from(JSON.stringify({ inputs: [head] }));
  return parseRequest(Buffer.concat([json, bytes]), String(json.length), model(dtype));
};

it.each([
  ['flat', [1, 2, 3, 255]],
  [
    'nested',
    [
      [
        [1, 2],
        [3, 255],
      ],
    ],
  ],
])('%s data', (_, data) => {
  const { features, rows, outputs } = parse({ inputs: [{ ...input, data }] });
  expect({ features, rows }).toEqual({ features: Uint8Array.of(1, 2, 3, 255), rows: 1 });
  expect(outputs.map(({ name }) => name)).toEqual(['logits', 'class']);
});

it('tensors of every datatype are the same as JSON and as bytes', () => {
  const cases = [
    ['float32', 'FP32', [1.5, -2, 3e38, 0], Float32Array],
    ['int32', 'INT32', [1, -(2 ** 31), 2 ** 31 - 1, 0], Int32Array],
    ['bool', 'BOOL', [true, false, true, false], Uint8Array],
  ] as const;
  for (const [dtype, datatype, data, Kind] of cases) {
    const expected = Kind.from(data.map(Number));
    expect(parse({ inputs: [{ ...input, datatype, data }] }, dtype).features).toEqual(expected);
    expect(parseBinary(new Uint8Array(expected.buffer), { datatype }, dtype).features).toEqual(expected);
  }
});

it('elements of JSON are what JSON.parse makes of them', () => {
  const spaces = fc.constantFrom('', ' ', '\n\t\r ');
  const number = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
    fc.float({ noNaN: true, noDefaultInfinity: true }).map(String),
    fc.stringMatching(/^-?(0|[1-9]\d{0,30})(\.\d{1,30})?([eE][+-]?\d{1,2})?$/),
    fc.stringMatching(/^-?[\d.eE+-]{1,6}$/),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(spaces, number, spaces), { minLength: 1, maxLength: 5 }), (parts) => {
      const data = `[${parts.map((part) => part.join('')).join()}]`;
      const text = Buffer.from(
        `{"inputs":[{"name":"x","shape":[${parts.length}],"datatype":"FP32","data" : ${data}}]}`,
      );
      const oneNumber: ModelInterface = { ...model(), input: { name: 'x', spec: { dtype: 'float32', shape: [null] } } };
      const read = () => parseRequest(text, undefined, oneNumber).features;
      const expected = tryTo(() => JSON.parse(data) as number[]);
      const fits = expected?.every((value) => Math.abs(value) <= 3.4028234663852886e38);
      if (expected && fits) expect(read()).toEqual(Float32Array.from(expected));
      else expect(read).toThrow(expect.objectContaining({ statusCode: 400 }));
    }),
    { seed: 1, numRuns: 2000 },
  );
});

describe('what is large costs no more than its bytes', () => {
  const head = '{"inputs":[{"name":"x","shape":[1,2,2],"datatype":"UINT8","data":';
  it.each([
    ['empty inputs', `{"inputs":[${'{},'.repeat(1e6)}{}]}`, /more than 16384 bytes besides its data/],
    ['few empty inputs', `{"inputs":[${'{},'.repeat(600)}{}]}`, /more than 500 values besides its data/],
    ['parameters', `{"parameters":{${'"a":1,'.repeat(1e6)}"b":1}}`, /more than 16384 bytes/],
    [
      'a huge shape',
      `{"inputs":[{"name":"x","shape":[9007199254740991,2,2],"datatype":"UINT8","data":[[[1,2]]]}]}`,
      /one of 1$/,
    ],
    ['rows too many', `${head}[[[1,2],[3,4]]${',[[1,2],[3,4]]'.repeat(1e6)}]}]}`, /one of more$/],
    ['elements too many', `${head}[1${',1'.repeat(1e6)}]}]}`, /expected 4 elements .* got more$/],
    ['behind the data', `${head}[1,2,3,4]}],"outputs":[${'{},'.repeat(1e6)}{}]}`, /more than 16384 bytes/],
    [
      'data by another name',
      `${head.replace('"data"', '"d\\u0061ta"')}[1${',1'.repeat(1e6)}]}]}`,
      /more than 16384 bytes/,
    ],
  ])('%s', (_, text, message) => {
    expect(() => parseRequest(Buffer.from(text), undefined, model())).toThrow(
      expect.objectContaining({ statusCode: 400, message: expect.stringMatching(message) }),
    );
  });

  it.each([
    ['a comma at the end', '[1,2,3,4,]'],
    ['a comma too many', '[1,,2,3]'],
    ['a comma too few', '[1 2,3,4,5]'],
    ['a comma at the end of a row', '[[[1,2],[3,4,]]]'],
    ['no comma between rows', '[[[1,2][3,4]]]'],
    ['an element behind a row', '[[[1,2]3,[4,5]]]'],
    ['a row in a row', '[[[1,2],[[3],4]]]'],
    ['an empty row', '[[[1,2],[]]]'],
    ['brackets that are none', '[[[1,2],[3,4]}'],
    ['another end', '[1,2,3,4}'],
    ['an element longer than a part', `[1,2,3${' '.repeat(1e5)},4]`],
    ['a first element longer than a part', `[${' '.repeat(1e5)}1,2,3,4]`],
    ['letters of other alphabets', '[1,2,3,٤]'],
  ])('%s', (_, data) => {
    expect(() => parseRequest(Buffer.from(`${head}${data}}]}`), undefined, model())).toThrow(
      expect.objectContaining({ statusCode: 400 }),
    );
  });

  it('rows and spaces across the parts that are read at a time', () => {
    const row = ' [ [ 1 ,2],\n[3,  4] ]';
    const rows = 20_000;
    const text = `${head.replace('[1,2,2]', `[${rows},2,2]`)}[${Array(rows).fill(row).join()}]}]}`;
    const { features } = parseRequest(Buffer.from(text), undefined, model());
    expect(features).toEqual(Uint8Array.from({ length: 4 * rows }, (_, i) => 1 + (i % 4)));
  });

  it('others get their turn meanwhile', async () => {
    const text = Buffer.from(`${head.replace('[1,2,2]', '[1000000,2,2]')}[${'1,'.repeat(4e6 - 1)}1]}]}`);
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const { rows } = await inSlices(parsing(text, undefined, model()));
    clearInterval(timer);
    expect([rows, turns > 3]).toEqual([1_000_000, true]);
  });
});

it('outputs are answered as they were asked for: which, in what order, as JSON or bytes', () => {
  const request = parse({
    id: '42',
    inputs: [input],
    parameters: { binary_data_output: true },
    outputs: [{ name: 'class' }, { name: 'logits', parameters: { binary_data: false } }],
  });
  const { headers, body } = encodeResponse(
    { name: 'm', version: '3' },
    request,
    new Map([
      ['logits', { data: Float32Array.of(1, 2.5, -3), spec: { dtype: 'float32', shape: [1, 3] } }],
      ['class', { data: Int32Array.of(258), spec: { dtype: 'int32', shape: [1] } }],
    ]),
  );
  const length = Number(headers['inference-header-content-length']);
  const bytes = Buffer.from(body);
  expect(JSON.parse(bytes.subarray(0, length).toString())).toEqual({
    ...{ model_name: 'm', model_version: '3', id: '42' },
    outputs: [
      { name: 'class', datatype: 'INT32', shape: [1], parameters: { binary_data_size: 4 } },
      { name: 'logits', datatype: 'FP32', shape: [1, 3], data: [1, 2.5, -3] },
    ],
  });
  expect([...bytes.subarray(length)]).toEqual([2, 1, 0, 0]);
});

it('an output that JSON cannot hold is a failure that says how to get it', () => {
  const outputs = new Map([
    ['logits', { data: Float32Array.of(Number.NaN), spec: { dtype: 'float32', shape: [1] } } as const],
  ]);
  const request = { ...parse({ inputs: [input] }), outputs: [{ name: 'logits', binary: false }] };
  expect(() => encodeResponse({ name: 'm', version: '3' }, request, outputs)).toThrow(/'logits' has NaN.*binary_data/);
});

it('metadata: datatypes by their names, -1 for the batch', () => {
  expect(metadataOf({ ...model(), name: 'm', version: '3' }, { licence: 'MIT' })).toEqual({
    ...{ name: 'm', versions: ['3'], platform: 'onnx_onnxv1', parameters: { licence: 'MIT' } },
    inputs: [{ name: 'x', datatype: 'UINT8', shape: [-1, 2, 2] }],
    outputs: [
      { name: 'logits', datatype: 'FP32', shape: [-1, 3] },
      { name: 'class', datatype: 'INT32', shape: [-1] },
    ],
  });
});

describe('what does not fit is refused with a reason', () => {
  it.each<[string, unknown, RegExp]>([
    ['no object', 7, /the request: .*expected object/],
    ['no inputs', { inputs: [] }, /inputs: /],
    ['another name', { inputs: [{ ...input, name: 'y' }] }, /unexpected 'y'; the model takes 'x'/],
    ['an input twice', { inputs: [input, input] }, /given twice; the model takes one input/],
    ['another datatype', { inputs: [{ ...input, datatype: 'FP32' }] }, /expected datatype UINT8, got FP32/],
    ['another rank', { inputs: [{ ...input, shape: [1, 4] }] }, /expected shape \[batch, 2, 2\]/],
    ['another size', { inputs: [{ ...input, shape: [1, 2, 3] }] }, /expected shape \[batch, 2, 2\]/],
    ['an empty batch', { inputs: [{ ...input, shape: [0, 2, 2], data: [] }] }, /a batch of at least 1/],
    ['a huge batch', { inputs: [{ ...input, shape: [2 ** 40, 2, 2] }] }, /expected 4398046511104 elements/],
    ['a negative size', { inputs: [{ ...input, shape: [-1, 2, 2] }] }, /inputs.0.shape.0/],
    ['a broken size', { inputs: [{ ...input, shape: [1.5, 2, 2] }] }, /inputs.0.shape.0/],
    ['no data', { inputs: [{ ...input, data: undefined }] }, /expected either data, or binary_data_size/],
    ['too little data', { inputs: [{ ...input, data: [1, 2, 3] }] }, /expected 4 elements .*, got 3/],
    [
      'uneven data',
      { inputs: [{ ...input, data: [[[1, 2], [3]]] }] },
      /expected an array of 2 at element 2, got one of 1/,
    ],
    ['half nested data', { inputs: [{ ...input, data: [[[1, 2], 3]] }] }, /expected an array of 2 at element 2, got 3/],
    ['nested in flat data', { inputs: [{ ...input, data: [1, [2], 3, 4] }] }, /got an array at element 1/],
    ['a text', { inputs: [{ ...input, data: ['1', 2, 3, 4] }] }, /got a string at element 0/],
    ['null', { inputs: [{ ...input, data: [1, 2, null, 4] }] }, /got null at element 2/],
    ['what uint8 has not', { inputs: [{ ...input, data: [1, 2, 3, 256] }] }, /from 0 to 255, got 256 at element 3/],
    ['a fraction', { inputs: [{ ...input, data: [1, 2, 3, 0.5] }] }, /from 0 to 255, got 0.5 at element 3/],
    ['an unknown output', { inputs: [input], outputs: [{ name: 'z' }] }, /'z' is unknown; the model has logits, class/],
    ['an output twice', { inputs: [input], outputs: [{ name: 'class' }, { name: 'class' }] }, /asked for twice/],
    [
      'bytes that are not there',
      { inputs: [{ ...input, parameters: { binary_data_size: 4 } }] },
      /is 4, but 0 bytes follow/,
    ],
    ...['priority', 'sequence_id', 'sequence_start'].map((name): [string, unknown, RegExp] => [
      name,
      { inputs: [input], parameters: { [name]: 1 } },
      /^parameters\.\w+: this server does not have it; leave it out$/,
    ]),
    ...['shared_memory_region', 'shared_memory_offset'].map((name): [string, unknown, RegExp] => [
      name,
      { inputs: [{ ...input, parameters: { [name]: 1 } }] },
      /this server does not have it/,
    ]),
    [
      'classification',
      { inputs: [input], outputs: [{ name: 'class', parameters: { classification: 2 } }] },
      /not have it/,
    ],
    ['an object as a parameter', { inputs: [input], parameters: { a: {} } }, /parameters.a/],
  ])('%s', (_, request, message) => {
    expect(() => parse(request)).toThrow(
      expect.objectContaining({ statusCode: 400, message: expect.stringMatching(message) }),
    );
  });

  it.each([
    ['no JSON', 'nul', /not acceptable JSON/],
    ['nothing', '', /not acceptable JSON/],
    [
      'NaN',
      JSON.stringify({ inputs: [{ ...input, datatype: 'FP32' }] }).replace('255', 'NaN'),
      /not acceptable JSON behind element 0/,
    ],
    [
      'a number beyond floats',
      JSON.stringify({ inputs: [{ ...input, datatype: 'FP32' }] }).replace('255', '1e39'),
      /finite.* got 1e\+39/,
    ],
    [
      'an infinite number',
      JSON.stringify({ inputs: [{ ...input, datatype: 'FP32' }] }).replace('255', '1e999'),
      /finite.*got Infinity/,
    ],
    ['a key that reaches for prototypes', '{"__proto__": {}, "inputs": []}', /forbidden prototype/],
    ['another such key', '{"constructor": {"prototype": {}}, "inputs": []}', /forbidden prototype/],
    ['depth', '['.repeat(1e6), /deeper than 32/],
    ['depth behind a text with brackets', `{"]]\\"]": ${'['.repeat(33)}`, /deeper than 32/],
  ])('%s', (_, text, message) => {
    expect(() => parseRequest(Buffer.from(text), undefined, model('float32'))).toThrow(message);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['too few bytes', () => parseBinary(Buffer.alloc(3)), /expected 4 bytes for UINT8 \[1, 2, 2\], got 3/],
    [
      'bytes that nobody owns',
      () => parseBinary(Buffer.alloc(4), { parameters: undefined }),
      /is 0, but 4 bytes follow/,
    ],
    ['data beside bytes', () => parseBinary(Buffer.alloc(4), { shape: [2, 2, 2] }), /expected 8 bytes/],
    [
      'a size of text',
      () => parseBinary(Buffer.alloc(4), { parameters: { binary_data_size: '4' } }),
      /binary_data_size/,
    ],
    [
      'NaN',
      () => parseBinary(new Uint8Array(Float32Array.of(0, Number.NaN, 0, 0).buffer), { datatype: 'FP32' }, 'float32'),
      /got NaN at element 1/,
    ],
    [
      'a boolean of 2',
      () => parseBinary(Uint8Array.of(0, 1, 2, 0), { datatype: 'BOOL' }, 'bool'),
      /true and false, got 2 at element 2/,
    ],
    ['a header beyond the body', () => parseRequest(Buffer.from('{}'), '3', model()), /at most the 2 bytes/],
    ['a header that is no number', () => parseRequest(Buffer.from('{}'), '-1', model()), /got -1/],
  ])('binary: %s', (_, request, message) => {
    expect(request).toThrow(expect.objectContaining({ statusCode: 400, message: expect.stringMatching(message) }));
  });

  it('whatever the JSON: a parsed request or a refusal, nothing else', () => {
    const anything = fc.oneof(
      fc.json(),
      fc
        .record(
          {
            inputs: fc.array(
              fc.record({ name: fc.constant('x'), shape: fc.anything(), datatype: fc.anything(), data: fc.anything() }),
            ),
          },
          { requiredKeys: [] },
        )
        .map((value) => JSON.stringify(value, (_, x) => (typeof x === 'bigint' ? null : x)) ?? ''),
    );
    fc.assert(
      fc.property(anything, fc.option(fc.nat(100).map(String), { nil: undefined }), (text, header) => {
        expect(() => parseRequest(Buffer.from(text), header, model())).toThrow(
          expect.objectContaining({ statusCode: 400 }),
        );
      }),
      { seed: 1, numRuns: 500 },
    );
  });
});
