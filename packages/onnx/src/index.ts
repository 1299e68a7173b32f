// The public names of @bn/onnx.

export { toOnnx } from './to-onnx.js';
