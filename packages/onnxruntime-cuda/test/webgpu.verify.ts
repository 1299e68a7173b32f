// The suite on WebGPU without a GPU: on SwiftShader, the Vulkan driver in software that comes with Chromium. Takes minutes.

import { existsSync } from 'node:fs';
import { conformance } from '@bn/conformance';
import { createBackend, diagnose } from '../src/index.js';
import { webgpuGaps } from './webgpu-gaps.js';

const folders = ['/usr/lib/chromium', '/usr/lib/chromium-browser', '/opt/google/chrome'];
const driver = folders.map((folder) => `${folder}/vk_swiftshader_icd.json`).find((file) => existsSync(file));
if (driver !== undefined) process.env.VK_ICD_FILENAMES ??= driver;

const webgpu = (await diagnose()).find(({ device }) => device === 'webgpu')!;
const detail = `${webgpu.detail}; in software: install Chromium and libvulkan1`;

conformance('onnxruntime-cuda on webgpu, in software', () => createBackend({ device: 'webgpu' }), {
  requirement: { name: 'webgpu', available: webgpu.available, detail },
  gaps: webgpuGaps,
});
