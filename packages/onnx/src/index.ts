// The public names of @bn/onnx.

export { type ExportInferenceOptions, exportInference } from './export-inference.js';
export { exportTrainingStep, type TrainingStepExport } from './export-training-step.js';
export { embedExternalData } from './external-data.js';
export { type ImportedInference, importInference } from './import/import-inference.js';
export * from './import/import-onnx.js';
export { answerOf, type SignatureOptions, type Signed, signatureOf } from './import/signature.js';
export { addMetadata, readMetadata } from './metadata.js';
export { type ImportedPredictor, importPredictor, openPredictor, type Predictor } from './predictor.js';
export { stepsToOnnx } from './steps-to-onnx.js';
export { type ToOnnxOptions, toOnnx } from './to-onnx.js';
