// What ONNX Runtime computes with on CUDA: its provider, of the same version as onnxruntime-node, and NVIDIA's libraries
// for CUDA 13. Versions that were tried together.

import { type Wheel, type WheelFile, wheelOf } from '@bn/native';

/** The version of onnxruntime-node that the provider fits. */
export const runtimeVersion = '1.30.0';

export const provider: Wheel = wheelOf({
  file: 'onnxruntime_gpu-1.30.0-cp312-cp312-manylinux_2_28_x86_64.whl',
  bytes: 246_685_715,
  unpackedBytes: 272_064_536,
  sha256: '6acc0f4b3d5ac5f2984432faa59dd8fcce6775f8b43a7140afa0f322c7a703b1',
  licence: 'MIT',
  members: [[/^onnxruntime\/capi\/(libonnxruntime_providers_(?:cuda|shared)\.so)$/, '$1']],
});

const members: WheelFile['members'] = [[/^nvidia\/[^/]+\/lib\/.+\.so[.\d]*$/, '$&']];
const toolkit = { licence: 'NVIDIA CUDA Toolkit EULA (proprietary, free of charge)', members };

export const cudaLibraries: readonly Wheel[] = [
  {
    ...toolkit,
    file: 'nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl',
    bytes: 2_243_632,
    unpackedBytes: 3_089_732,
    sha256: '7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548',
  },
  {
    ...toolkit,
    file: 'nvidia_cublas-13.1.0.3-py3-none-manylinux_2_27_x86_64.whl',
    bytes: 423_133_236,
    unpackedBytes: 596_511_080,
    sha256: 'ee8722c1f0145ab246bccb9e452153b5e0515fd094c3678df50b2a0888b8b171',
  },
  {
    ...toolkit,
    file: 'nvidia_curand-10.4.0.35-py3-none-manylinux_2_27_x86_64.whl',
    bytes: 59_544_258,
    unpackedBytes: 132_698_328,
    sha256: '1aee33a5da6e1db083fe2b90082def8915f30f3248d5896bcec36a579d941bfc',
  },
  {
    // cuDNN compiles some of its kernels with it.
    ...toolkit,
    file: 'nvidia_cuda_nvrtc-13.0.88-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl',
    bytes: 90_215_200,
    unpackedBytes: 227_912_592,
    sha256: 'ad9b6d2ead2435f11cbb6868809d2adeeee302e9bb94bcf0539c7a40d80e8575',
  },
  {
    file: 'nvidia_cudnn_cu13-9.19.0.56-py3-none-manylinux_2_27_x86_64.whl',
    bytes: 366_066_321,
    unpackedBytes: 493_410_224,
    sha256: 'd20e1734305e9d68889a96e3f35094d733ff1f83932ebe462753973e53a572bf',
    licence: 'NVIDIA cuDNN licence (proprietary, free of charge)',
    members,
  },
].map(wheelOf);
