// The Open Inference Protocol: what requests say, what answers say, and what is refused.

import type { Spec } from '@bn/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeResponse } from '../src/serve/protocol/encode-response.js';
import { metadataOf } from '../src/serve/protocol/metadata.js';
import type { ModelInterface } from '../src/serve/protocol/parse-request.js';
import { readHttp } from '../src/serve/protocol/read-http.js';
import { inSlices } from '../src/serve/protocol/slices.js';

function* parsing(body: Buffer, headerLength: string | undefined, model: ModelInterface) {
  const { input, ...request } = yield* readHttp(body, headerLength, model);
  return { ...request, ...{ features: null, images: null, ...input } };
}

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

describe('datatypes', () => {
  const bytes = (...numbers: number[]) => Uint8Array.from(numbers);
  const memory = ({ buffer }: { buffer: ArrayBufferLike }) => new Uint8Array(buffer);
  // Halves by IEEE 754: 1.5, -2, the largest, and the smallest above 0.
  const halves = bytes(0x00, 0x3e, 0x00, 0xc0, 0xff, 0x7b, 0x01, 0x00);

  it.each<[string, unknown[], Uint8Array]>([
    ['FP16', [1.5, -2, 65_504, 2 ** -24], halves],
    ['FP32', [1.5, -2, 2 ** 127, 0], memory(Float32Array.of(1.5, -2, 2 ** 127, 0))],
    ['FP64', [0.1, -2, 3e38, 1e-50], memory(Float64Array.of(0.1, -2, 3e38, 1e-50))],
    ['INT8', [1, -128, 127, 0], memory(Int8Array.of(1, -128, 127, 0))],
    ['INT16', [1, -32_768, 32_767, 0], memory(Int16Array.of(1, -32_768, 32_767, 0))],
    ['INT32', [1, -(2 ** 31), 2 ** 24, 0], memory(Int32Array.of(1, -(2 ** 31), 2 ** 24, 0))],
    ['INT64', [1, -(2 ** 50), 2 ** 50, 0], memory(BigInt64Array.of(1n, -(2n ** 50n), 2n ** 50n, 0n))],
    ['UINT8', [1, 2, 3, 255], bytes(1, 2, 3, 255)],
    ['UINT16', [1, 2, 3, 65_535], memory(Uint16Array.of(1, 2, 3, 65_535))],
    ['UINT32', [1, 2, 3, 2 ** 31], memory(Uint32Array.of(1, 2, 3, 2 ** 31))],
    ['UINT64', [1, 2, 3, 2 ** 50], memory(BigUint64Array.of(1n, 2n, 3n, 2n ** 50n))],
    ['BOOL', [true, false, true, false], bytes(1, 0, 1, 0)],
  ])('%s becomes float32, the same from JSON and from bytes', (datatype, data, binary) => {
    const expected = Float32Array.from(data.map(Number));
    expect(parse({ inputs: [{ ...input, datatype, data }] }, 'float32').features).toEqual(expected);
    expect(parseBinary(binary, { datatype }, 'float32').features).toEqual(expected);
  });

  it.each<[Spec['dtype'], string, unknown[], number[]]>([
    ['int32', 'INT32', [1, -(2 ** 31), 2 ** 31 - 1, 0], [1, -(2 ** 31), 2 ** 31 - 1, 0]],
    ['int32', 'INT64', [1, -(2 ** 31), 2 ** 31 - 1, 0], [1, -(2 ** 31), 2 ** 31 - 1, 0]],
    ['int32', 'FP32', [1, -2, 3, 0], [1, -2, 3, 0]],
    ['uint8', 'INT64', [1, 2, 3, 255], [1, 2, 3, 255]],
    ['bool', 'BOOL', [true, false, true, false], [1, 0, 1, 0]],
    ['bool', 'UINT8', [1, 0, 1, 0], [1, 0, 1, 0]],
  ])('of %s takes %s', (dtype, datatype, data, expected) => {
    expect([...parse({ inputs: [{ ...input, datatype, data }] }, dtype).features!]).toEqual(expected);
  });

  it.each<[Spec['dtype'], string, number, RegExp]>([
    ['uint8', 'INT64', 256, /the model takes UINT8, which does not hold 256, INT64 element 3/],
    ['uint8', 'FP32', 0.5, /does not hold 0.5/],
    ['int32', 'FP64', 2 ** 31, /the model takes INT32/],
    ['float32', 'INT32', 2 ** 24 + 1, /the model takes FP32, which does not hold 16777217/],
    ['float32', 'FP64', 1e39, /which does not hold 1e\+39/],
    ['float32', 'FP16', 65_505, /expected finite numbers of float16, got 65505 at element 3/],
    ['float32', 'INT64', 2 ** 53, /expected whole numbers from -9007199254740991 to 9007199254740991/],
    ['float32', 'INT8', 128, /from -128 to 127, got 128/],
    ['bool', 'INT8', 2, /the model takes BOOL/],
  ])('of %s refuses of %s what it does not hold: %d', (dtype, datatype, wrong, message) => {
    expect(() => parse({ inputs: [{ ...input, datatype, data: [0, 0, 0, wrong] }] }, dtype)).toThrow(message);
  });

  it('refuse numbers of 64 bits that would be rounded before they are compared', () => {
    const integers = memory(BigInt64Array.of(0n, 0n, 2n ** 53n + 1n, 0n));
    expect(() => parseBinary(integers, { datatype: 'INT64' }, 'float32')).toThrow(/whole numbers .* at element 2/);
    const infinite = Uint8Array.from([...halves.subarray(0, 6), 0x00, 0xfc]);
    expect(() => parseBinary(infinite, { datatype: 'FP16' }, 'float32')).toThrow(/float16, got -Infinity at element 3/);
  });
});

describe('BYTES: one file for each example', () => {
  const files = ['first', 'the second'].map((text) => Buffer.from(text));
  const [first, second] = files.map((file) => file.toString('base64'));
  const request = (data: unknown, shape = [2]) => ({ inputs: [{ name: 'x', shape, datatype: 'BYTES', data }] });
  const lengthFirst = (file: Uint8Array) => Buffer.concat([Uint8Array.of(file.length, 0, 0, 0), file]);
  const binary = Buffer.concat(files.map(lengthFirst));

  it.each([
    ['a list', [first, second], [2]],
    ['a column', [[first], [second]], [2, 1]],
    ['a list of a column', [first, second], [2, 1]],
  ])('in base64, as %s', (_, data, shape) => {
    const { images, rows } = parse(request(data, shape));
    expect([images, rows]).toEqual([files, 2]);
  });

  it('in base64 with escaped slashes and spaces, or behind their lengths', () => {
    const slashes = Buffer.from('ffff', 'hex');
    const json = JSON.stringify(request(['//8=', first]))
      .replace('//8=', '\\/\\/8=')
      .replace('","', '" ,\n"');
    expect(parseRequest(Buffer.from(json), undefined, model()).images).toEqual([slashes, files[0]]);
    expect(parseBinary(binary, { shape: [2], datatype: 'BYTES' }).images).toEqual(files);
  });

  it.each<[string, unknown, RegExp]>([
    ['too few', request([first]), /expected 2 elements of BYTES, got 1/],
    ['too many', request([first, second, first]), /got more/],
    ['numbers', request([1, 2]), /expected 2 elements of BYTES, got 0/],
    ['a number beside them', request([first, second, 3]), /expected an array of texts in base64/],
    ['null', request([first, null]), /got 1/],
    ['an object', request([first, { a: second }]), /got more|expected an array/],
    ['another text', request([first, 'not base64!']), /got another text at element 1/],
    ['a quote', request([first, '"']), /got another text at element 1/],
    ['much else', request([[...Array(1000).fill(0), first], second]), /something else behind element 0/],
    ['a batch of pixels', request([first, second], [2, 2, 2]), /expected BYTES of shape \[batch\]/],
    ['too many files', request([], [33]), /1 to 32 images, got \[33\]/],
  ])('refuses %s', (_, wrong, message) => {
    expect(() => parse(wrong)).toThrow(
      expect.objectContaining({ statusCode: 400, message: expect.stringMatching(message) }),
    );
  });

  it.each([
    ['a file that is cut off', binary.subarray(0, -1), /element 1 of BYTES ends behind the 22 bytes/],
    ['a length that is cut off', binary.subarray(0, 11), /element 1 of BYTES ends behind/],
    ['a huge length', Uint8Array.of(255, 255, 255, 255, 1), /element 0/],
    ['one more', Buffer.concat([binary, binary]), /got more/],
    ['nothing', Buffer.alloc(0), /got 0/],
  ])('refuses %s in bytes', (_, bytes, message) => {
    expect(() => parseBinary(bytes, { shape: [2], datatype: 'BYTES' })).toThrow(message);
  });
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
  const { headers, body } = encodeResponse({
    model: { name: 'm', version: '3' },
    request,
    values: new Map([
      ['logits', { data: Float32Array.of(1, 2.5, -3), spec: { dtype: 'float32', shape: [1, 3] } }],
      ['class', { data: Int32Array.of(258), spec: { dtype: 'int32', shape: [1] } }],
    ]),
  });
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
  const values = new Map([
    ['logits', { data: Float32Array.of(Number.NaN), spec: { dtype: 'float32', shape: [1] } } as const],
  ]);
  const request = { ...parse({ inputs: [input] }), outputs: [{ name: 'logits', binary: false }] };
  expect(() => encodeResponse({ model: { name: 'm', version: '3' }, request, values })).toThrow(
    /'logits' has NaN.*binary_data/,
  );
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
    [
      'an unknown datatype',
      { inputs: [{ ...input, datatype: 'BF16' }] },
      /expected datatype UINT8, or one of .*got BF16/,
    ],
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
