/** ONNX files from a few lines: nodes, initializers and typed inputs and outputs, encoded with `onnx-proto`. */
import onnxProto from 'onnx-proto';
import type { Datatype } from '../../src/tensor.ts';

const { onnx } = onnxProto;
const { DataType } = onnx.TensorProto;
const { AttributeType } = onnx.AttributeProto;

type Attribute = InstanceType<typeof onnx.AttributeProto>;
type ProtoNode = InstanceType<typeof onnx.NodeProto>;
type ProtoTensor = InstanceType<typeof onnx.TensorProto>;
type ProtoGraph = InstanceType<typeof onnx.GraphProto>;

const ELEMENT_TYPE: Record<Datatype, number> = {
  BOOL: DataType.BOOL,
  UINT8: DataType.UINT8,
  UINT16: DataType.UINT16,
  UINT32: DataType.UINT32,
  UINT64: DataType.UINT64,
  INT8: DataType.INT8,
  INT16: DataType.INT16,
  INT32: DataType.INT32,
  INT64: DataType.INT64,
  FP16: DataType.FLOAT16,
  FP32: DataType.FLOAT,
  FP64: DataType.DOUBLE,
  BYTES: DataType.STRING,
};

/** A dimension: a size, −1 for any size, or a name for any size that is the same wherever the name stands. */
export type Dimension = number | string;

export interface Port {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly Dimension[];
}

export interface Graph {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly nodes: readonly ProtoNode[];
  readonly initializers?: readonly ProtoTensor[];
}

export type AttributeValue = number | readonly number[] | Graph;

/** One operator. A whole number becomes an INT attribute, any other a FLOAT. */
export function node(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
): ProtoNode {
  const attribute = Object.entries(attributes).map(([name, value]) => toAttribute(name, value));
  return onnx.NodeProto.create({ opType, input: [...input], output: [...output], attribute });
}

/** A constant FP32 tensor. */
export function floats(name: string, dims: readonly number[], values: Float32Array | number[]): ProtoTensor {
  return constant(name, DataType.FLOAT, dims, Float32Array.from(values));
}

/** A constant INT64 tensor. */
export function integers(name: string, dims: readonly number[], values: readonly number[]): ProtoTensor {
  return constant(name, DataType.INT64, dims, BigInt64Array.from(values, BigInt));
}

/** A constant BOOL scalar. */
export function truth(name: string, value: boolean): ProtoTensor {
  return constant(name, DataType.BOOL, [], Uint8Array.of(value ? 1 : 0));
}

/** The bytes of a `model.onnx` holding this graph, for opset 17. */
export function encodeModel(graph: Graph): Uint8Array {
  const model = onnx.ModelProto.create({
    irVersion: 8,
    producerName: 'headgate',
    opsetImport: [{ domain: '', version: 17 }],
    graph: toGraph(graph),
  });
  return onnx.ModelProto.encode(model).finish();
}

function constant(
  name: string,
  dataType: number,
  dims: readonly number[],
  values: ArrayBufferView,
): ProtoTensor {
  const rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return onnx.TensorProto.create({ name, dataType, dims: [...dims], rawData });
}

function toAttribute(name: string, value: AttributeValue): Attribute {
  if (typeof value === 'number') {
    return Number.isInteger(value)
      ? onnx.AttributeProto.create({ name, type: AttributeType.INT, i: value })
      : onnx.AttributeProto.create({ name, type: AttributeType.FLOAT, f: value });
  }
  if ('nodes' in value) {
    return onnx.AttributeProto.create({ name, type: AttributeType.GRAPH, g: toGraph(value) });
  }
  return onnx.AttributeProto.create({ name, type: AttributeType.INTS, ints: [...value] });
}

function toGraph({ inputs, outputs, nodes, initializers = [] }: Graph): ProtoGraph {
  return onnx.GraphProto.create({
    name: 'graph',
    input: inputs.map(toValueInfo),
    output: outputs.map(toValueInfo),
    node: [...nodes],
    initializer: [...initializers],
  });
}

function toValueInfo({ name, datatype, shape }: Port): InstanceType<typeof onnx.ValueInfoProto> {
  const dim = shape.map((size, axis) => {
    if (typeof size === 'string') return { dimParam: size };
    return size < 0 ? { dimParam: `${name}_${axis}` } : { dimValue: size };
  });
  return onnx.ValueInfoProto.create({
    name,
    type: { tensorType: { elemType: ELEMENT_TYPE[datatype], shape: { dim } } },
  });
}
