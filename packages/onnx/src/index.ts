// The public names of @bn/onnx.

export { type ToOnnxOptions, toOnnx } from './to-onnx.js';
