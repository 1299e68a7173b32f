// Archives that NumPy 2.4 wrote (numpy.savez_compressed), in base64.

import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadNpz, type TargetOptions } from '../src/index.js';
import { temporaryFolder } from './temporary-folder.js';

async function load(base64: string, options?: TargetOptions) {
  return loadNpz(join(await temporaryFolder({ 'a.npz': Buffer.from(base64, 'base64') }), 'a.npz'), options);
}

const keras =
  'UEsDBC0AAAAIAAAAIQAgS3f6//////////8LABQAeF90cmFpbi5ucHkBABAAiAAAAAAAAABPAAAAAAAAAJvsF+obEMnIUMZQrZ6S' +
  'WpxcpG6loF5Taqiuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GkY6CiCkqaNQq0Ae4GL4z8jEzMLKBgBQSwMELQAAAAgA' +
  'AAAhAHH7Oav//////////wsAFAB5X3RyYWluLm5weQEAEACQAAAAAAAAAEgAAAAAAAAAm+wX6hsQychQxlCtnpJanFykbqWgbpNp' +
  'oa6joJ6WX1RSlJgXn1+UkgoSd0vMKU4FihdnJBakAvkaRjqaOgq1ChQALkYGVAAAUEsDBC0AAAAIAAAAIQCCxYBh//////////8K' +
  'ABQAeF90ZXN0Lm5weQEAEACgAAAAAAAAAFQAAAAAAAAAm+wX6hsQychQxlCtnpJanFykbqWgbpNmoa6joJ6WX1RSlJgXn1+UkgoS' +
  'd0vMKU4FihdnJBakAvkahjoKRkCkqaNQq0Ae4GJAAR/sBcCgAEo32AMAUEsDBC0AAAAIAAAAIQAaZoKw//////////8KABQAeV90' +
  'ZXN0Lm5weQEAEACBAAAAAAAAAEcAAAAAAAAAm+wX6hsQychQxlCtnpJanFykbqWgXlNqqK6joJ6WX1RSlJgXn1+UkgoSd0vMKU4F' +
  'ihdnJBakAvkahjoKhpo6CrUKZAMuRgBQSwECLQMtAAAACAAAACEAIEt3+k8AAACIAAAACwAAAAAAAAAAAAAAgAEAAAAAeF90cmFp' +
  'bi5ucHlQSwECLQMtAAAACAAAACEAcfs5q0gAAACQAAAACwAAAAAAAAAAAAAAgAGMAAAAeV90cmFpbi5ucHlQSwECLQMtAAAACAAA' +
  'ACEAgsWAYVQAAACgAAAACgAAAAAAAAAAAAAAgAERAQAAeF90ZXN0Lm5weVBLAQItAy0AAAAIAAAAIQAaZoKwRwAAAIEAAAAKAAAA' +
  'AAAAAAAAAACAAaEBAAB5X3Rlc3QubnB5UEsFBgAAAAAEAAQA4gAAACQCAAAAAA==';

const medMnist =
  'UEsDBC0AAAAIAAAAIQBvVnzQ//////////8QABQAdHJhaW5faW1hZ2VzLm5weQEAEACMAAAAAAAAAFUAAAAAAAAAm+wX6hsQychQ' +
  'xlCtnpJanFykbqWgXlNqqK6joJ6WX1RSlJgXn1+UkgoSd0vMKU4FihdnJBakAvkahjoKRmBkrKmjUKtABuBiYGRiZmFlY+fg5OIG' +
  'AFBLAwQtAAAACAAAACEAZ2L2m///////////EAAUAHRyYWluX2xhYmVscy5ucHkBABAAggAAAAAAAABIAAAAAAAAAJvsF+obEMnI' +
  'UMZQrZ6SWpxcpG6loF5Taqiuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GoY6CkaaOgq1CmQDLgZGAFBLAwQtAAAACAAA' +
  'ACEAb1Z80P//////////DgAUAHZhbF9pbWFnZXMubnB5AQAQAIwAAAAAAAAAVQAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBe' +
  'U2qorqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RqGOgpGYGSsqaNQq0AG4GJgZGJmYWVj5+Dk4gYAUEsDBC0AAAAIAAAA' +
  'IQAmU+2C//////////8OABQAdmFsX2xhYmVscy5ucHkBABAAggAAAAAAAABIAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loF5T' +
  'aqiuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GoY6CkaaOgq1CmQDLkZGAFBLAQItAy0AAAAIAAAAIQBvVnzQVQAAAIwA' +
  'AAAQAAAAAAAAAAAAAACAAQAAAAB0cmFpbl9pbWFnZXMubnB5UEsBAi0DLQAAAAgAAAAhAGdi9ptIAAAAggAAABAAAAAAAAAAAAAA' +
  'AIABlwAAAHRyYWluX2xhYmVscy5ucHlQSwECLQMtAAAACAAAACEAb1Z80FUAAACMAAAADgAAAAAAAAAAAAAAgAEhAQAAdmFsX2lt' +
  'YWdlcy5ucHlQSwECLQMtAAAACAAAACEAJlPtgkgAAACCAAAADgAAAAAAAAAAAAAAgAG2AQAAdmFsX2xhYmVscy5ucHlQSwUGAAAA' +
  'AAQABAD0AAAAPgIAAAAA';

const channelsFirst =
  'UEsDBC0AAAAIAAAAIQCX6gIK//////////8FABQAWC5ucHkBABAA4AAAAAAAAABpAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6l' +
  'oG6TaaGuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GoY6CsY6CkZApKmjUKtABuBigAJmKM0GpTmhNCOUZoHS7FAappEJ' +
  'SrNCaQ4ozQ2lAVBLAwQtAAAACAAAACEAGq7USP//////////BQAUAHkubnB5AQAQAIQAAAAAAAAASAAAAAAAAACb7BfqGxDJyFDG' +
  'UK2eklqcXKRupaBuk2airqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RqGOpo6CrUKFAAuBgYGewBQSwECLQMtAAAACAAA' +
  'ACEAl+oCCmkAAADgAAAABQAAAAAAAAAAAAAAgAEAAAAAWC5ucHlQSwECLQMtAAAACAAAACEAGq7USEgAAACEAAAABQAAAAAAAAAA' +
  'AAAAgAGgAAAAeS5ucHlQSwUGAAAAAAIAAgBmAAAAHwEAAAAA';

const floats =
  'UEsDBC0AAAAIAAAAIQDhfGUX//////////8JABQAYXJyXzAubnB5AQAQAIQAAAAAAAAATAAAAAAAAACb7BfqGxDJyFDGUK2eklqc' +
  'XKRupaBuk2akrqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RqGOgpAZKSpo1CrQB7gYtjX4AAAUEsDBC0AAAAIAAAAIQCH' +
  'UDBM//////////8JABQAYXJyXzEubnB5AQAQAJgAAAAAAAAASwAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBuk2ahrqOgnpZf' +
  'VFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RqGOgrGmjoKtQpkAy4GrOCDPQBQSwECLQMtAAAACAAAACEA4XxlF0wAAACEAAAACQAA' +
  'AAAAAAAAAAAAgAEAAAAAYXJyXzAubnB5UEsBAi0DLQAAAAgAAAAhAIdQMExLAAAAmAAAAAkAAAAAAAAAAAAAAIABhwAAAGFycl8x' +
  'Lm5weVBLBQYAAAAAAgACAG4AAAANAQAAAAA=';

const objects =
  'UEsDBC0AAAAIAAAAIQAltJRP//////////8KABQAaW1hZ2VzLm5weQEAEAAaAQAAAAAAAMYAAAAAAAAAm+wX6hsQychQxlCtnpJa' +
  'nFykbqWgXuOvrqOgnpZfVFKUmBefX5SSChJ2S8wpTgWKF2ckFqQC+RqGOgogpKmjUKtAJuBqYJnazwABPWJ5pbkFlXrxyflFqXq5' +
  'pTklmYlFRYmVU3p44otSk/PzikuKSpNLpkye0sMKVjmlhz0vBaJk8hRvhtYpzoxJU9qnBE3R8GaEwPYpGcw9rCkllQWpIG1M/hZT' +
  'OjsgKph7GGum+Pn5ef0HAjDhbV8yJakzdkrtlEQgQw8AUEsDBC0AAAAIAAAAIQCgmr6S//////////8KABQAbGFiZWxzLm5weQEA' +
  'EACIAAAAAAAAAEcAAAAAAAAAm+wX6hsQychQxlCtnpJanFykbqWgbpNpoa6joJ6WX1RSlJgXn1+UkgoSd0vMKU4FihdnJBakAvka' +
  'hjqaOgq1ChQALgYoAABQSwECLQMtAAAACAAAACEAJbSUT8YAAAAaAQAACgAAAAAAAAAAAAAAgAEAAAAAaW1hZ2VzLm5weVBLAQIt' +
  'Ay0AAAAIAAAAIQCgmr6SRwAAAIgAAAAKAAAAAAAAAAAAAACAAQIBAABsYWJlbHMubnB5UEsFBgAAAAACAAIAcAAAAIUBAAAAAA==';

const fortran =
  'UEsDBC0AAAAIAAAAIQC3b8Do//////////8KABQAaW1hZ2VzLm5weQEAEACMAAAAAAAAAFMAAAAAAAAAm+wX6hsQychQxlCtnpJa' +
  'nFykbqWgXlNqqK6joJ6WX1RSlJgXn1+UkgoSDykqTQUKF2ckFqQCuRpGOgpAZKypo1CrQCbgYmBj5mRkZ+Fi4mDlBgBQSwMELQAA' +
  'AAgAAAAhAH5q+8n//////////woAFABsYWJlbHMubnB5AQAQAJAAAAAAAAAASQAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBu' +
  'k2mhrqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RpGOpo6CrUKFAAuBihghNIAUEsBAi0DLQAAAAgAAAAhALdvwOhTAAAA' +
  'jAAAAAoAAAAAAAAAAAAAAIABAAAAAGltYWdlcy5ucHlQSwECLQMtAAAACAAAACEAfmr7yUkAAACQAAAACgAAAAAAAAAAAAAAgAGP' +
  'AAAAbGFiZWxzLm5weVBLBQYAAAAAAgACAHAAAAAUAQAAAAA=';

const names =
  'UEsDBC0AAAAIAAAAIQAgS3f6//////////8FABQAYS5ucHkBABAAiAAAAAAAAABPAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6l' +
  'oF5Taqiuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GkY6CiCkqaNQq0Ae4GL4z8jEzMLKBgBQSwMELQAAAAgAAAAhACBL' +
  'd/r//////////wsAFAB3ZWlnaHRzLm5weQEAEACIAAAAAAAAAE8AAAAAAAAAm+wX6hsQychQxlCtnpJanFykbqWgXlNqqK6joJ6W' +
  'X1RSlJgXn1+UkgoSd0vMKU4FihdnJBakAvkaRjoKIKSpo1CrQB7gYvjPyMTMwsoGAFBLAQItAy0AAAAIAAAAIQAgS3f6TwAAAIgA' +
  'AAAFAAAAAAAAAAAAAACAAQAAAABhLm5weVBLAQItAy0AAAAIAAAAIQAgS3f6TwAAAIgAAAALAAAAAAAAAAAAAACAAYYAAAB3ZWln' +
  'aHRzLm5weVBLBQYAAAAAAgACAGwAAAASAQAAAAA=';

const counts =
  'UEsDBC0AAAAIAAAAIQAgS3f6//////////8KABQAaW1hZ2VzLm5weQEAEACIAAAAAAAAAE8AAAAAAAAAm+wX6hsQychQxlCtnpJa' +
  'nFykbqWgXlNqqK6joJ6WX1RSlJgXn1+UkgoSd0vMKU4FihdnJBakAvkaRjoKIKSpo1CrQB7gYvjPyMTMwsoGAFBLAwQtAAAACAAA' +
  'ACEAoJq+kv//////////CgAUAGxhYmVscy5ucHkBABAAiAAAAAAAAABHAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TaaGu' +
  'o6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GoY6mjoKtQoUAC4GKAAAUEsBAi0DLQAAAAgAAAAhACBLd/pPAAAAiAAAAAoA' +
  'AAAAAAAAAAAAAIABAAAAAGltYWdlcy5ucHlQSwECLQMtAAAACAAAACEAoJq+kkcAAACIAAAACgAAAAAAAAAAAAAAgAGLAAAAbGFi' +
  'ZWxzLm5weVBLBQYAAAAAAgACAHAAAAAOAQAAAAA=';

const binary =
  'UEsDBC0AAAAIAAAAIQABTnbL//////////8LABQAeF90cmFpbi5ucHkBABAAggAAAAAAAABKAAAAAAAAAJvsF+obEMnIUMZQrZ6S' +
  'WpxcpG6loF6TZKiuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GoY6CkBkpKmjUKtAHuBiZAAAUEsDBC0AAAAIAAAAIQCg' +
  'mr6S//////////8LABQAeV90cmFpbi5ucHkBABAAiAAAAAAAAABHAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TaaGuo6Ce' +
  'll9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GoY6mjoKtQoUAC4GKAAAUEsDBC0AAAAIAAAAIQAfw++B//////////8KABQAeF90' +
  'ZXN0Lm5weQEAEACIAAAAAAAAAE4AAAAAAAAAm+wX6hsQychQxlCtnpJanFykbqWgbpNmoq6joJ6WX1RSlJgXn1+UkgoSd0vMKU4F' +
  'ihdnJBakAvkahjoKQGSkqaNQq0Ae4GJgaLBnAAIAUEsDBC0AAAAIAAAAIQCgmr6S//////////8KABQAeV90ZXN0Lm5weQEAEACI' +
  'AAAAAAAAAEcAAAAAAAAAm+wX6hsQychQxlCtnpJanFykbqWgbpNpoa6joJ6WX1RSlJgXn1+UkgoSd0vMKU4FihdnJBakAvkahjqa' +
  'Ogq1ChQALgYoAABQSwECLQMtAAAACAAAACEAAU52y0oAAACCAAAACwAAAAAAAAAAAAAAgAEAAAAAeF90cmFpbi5ucHlQSwECLQMt' +
  'AAAACAAAACEAoJq+kkcAAACIAAAACwAAAAAAAAAAAAAAgAGHAAAAeV90cmFpbi5ucHlQSwECLQMtAAAACAAAACEAH8PvgU4AAACI' +
  'AAAACgAAAAAAAAAAAAAAgAELAQAAeF90ZXN0Lm5weVBLAQItAy0AAAAIAAAAIQCgmr6SRwAAAIgAAAAKAAAAAAAAAAAAAACAAZUB' +
  'AAB5X3Rlc3QubnB5UEsFBgAAAAAEAAQA4gAAABgCAAAAAA==';

describe('loadNpz', () => {
  test("reads Keras's names, and floats that are pixels divided by 255", async () => {
    const { train, test: tested, val } = await load(keras);
    expect(train.features).toEqual({ shape: [1, 2, 2], dtype: 'uint8' });
    expect([train.get(0), train.get(1)]).toEqual([
      { features: Uint8Array.of(0, 255, 1, 2), label: 1 },
      { features: Uint8Array.of(3, 4, 5, 6), label: 0 },
    ]);
    expect(tested?.get(0)).toEqual({ features: Uint8Array.of(0, 255, 1, 2), label: 1 });
    expect(val).toBeUndefined();
  });

  test("reads MedMNIST's names, channels last, and several labels", async () => {
    const { train, val } = await load(medMnist, { task: 'multilabel' });
    expect(train.features.shape).toEqual([3, 2, 2]);
    expect(train.get(0)).toEqual({
      features: Uint8Array.of(0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11),
      label: Float32Array.of(0, 1),
    });
    expect(train.classNames).toEqual(['0', '1']);
    expect(val?.length).toBe(1);
    // One-hot, if each image is to have one class.
    await expect(load(medMnist)).rejects.toThrow('val_labels: got [1, 2], expected class indices, or one-hot rows');
  });

  test('reads channels first, whole numbers of 64 bits, and values', async () => {
    const { train } = await load(channelsFirst, { task: 'regress' });
    expect(train.features).toEqual({ shape: [3, 2, 2], dtype: 'uint8' });
    expect(train.get(0)).toEqual({
      features: Uint8Array.of(0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11),
      label: Float32Array.of(0.5),
    });
    expect(train.valueNames).toEqual(['value']);
  });

  test('takes booleans, and floats of 0 and 1, as black and white', async () => {
    const { train, test: tested } = await load(binary);
    expect([train.get(0).features, tested?.get(0).features]).toEqual([Uint8Array.of(255, 0), Uint8Array.of(255, 0)]);
  });

  test('keeps floats that are no pixels, and reads one-hot classes', async () => {
    const { train } = await load(floats);
    expect(train.features).toEqual({ shape: [1, 1, 2], dtype: 'float32' });
    expect(train.get(0)).toEqual({ features: Float32Array.of(-1.5, 2.25), label: 2 });
  });
});

describe('loadNpz refuses', () => {
  test.each([
    ['other names', names, 'a.npz: expected the arrays x_train and y_train, or X_train'],
    ['fewer labels than images', counts, 'a.npz: labels: got [1], expected one row for each of 2 images'],
    ['objects of Python', objects, 'a.npz: not a readable .npz of numbers ('],
    ['Fortran order', fortran, 'images is in Fortran order: numpy.ascontiguousarray'],
    ['what is no archive', 'AAAA', 'a.npz: not a readable .npz of numbers ('],
    ['an archive that is cut off', keras.slice(0, 400), 'a.npz: not a readable .npz of numbers ('],
  ])('%s', async (_, base64, message) => {
    await expect(load(base64)).rejects.toMatchObject({ code: 'data', message: expect.stringContaining(message) });
  });

  test('values where classes are expected', async () => {
    await expect(load(channelsFirst)).rejects.toThrow(
      'a.npz: y: got [1], expected class indices, or one-hot rows; for other labels give --task multilabel or regress',
    );
  });

  test('a missing file', async () => {
    await expect(loadNpz('none.npz')).rejects.toMatchObject({
      code: 'file',
      message: 'none.npz: no such file or folder; give the path of an .npz file',
    });
  });
});
