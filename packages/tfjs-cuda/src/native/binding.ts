// TensorFlow.js's native binding: what this package uses of the addon in @tensorflow/tfjs-node-gpu, which hands
// operations to libtensorflow one by one. The JavaScript around it in that package is not used: it exists once per
// process as TensorFlow.js's global backend, and makes and deletes helper tensors at every call.

/** An attribute of an operation; `type` is one of the binding's TF_ATTR_ numbers. */
export interface OperationAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: number | boolean | string | readonly number[];
}

export interface Binding {
  /** Keeps `data` as the tensor's memory. Tensors are numbers. */
  createTensor(shape: readonly number[], dtype: number, data: ArrayBufferView): number;
  deleteTensor(tensor: number): void;
  tensorDataSync(tensor: number): Float32Array | Int32Array | Uint8Array;
  executeOp(
    operation: string,
    attributes: readonly OperationAttribute[],
    inputs: readonly number[],
    outputs: number,
  ): readonly { readonly id: number }[];
  isUsingGpuDevice(): boolean;
  readonly TF_Version: string;
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  readonly TF_BOOL: number;
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_TYPE: number;
}
