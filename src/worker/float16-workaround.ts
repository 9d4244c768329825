/**
 * onnxruntime-common wraps FP16 data in a Float16Array where that exists, which the 1.30.0 binding takes for 0 bytes
 * long. Without the global, before the first Tensor is made, FP16 stays with Uint16Array. Import this before it.
 */
Reflect.deleteProperty(globalThis, 'Float16Array');
