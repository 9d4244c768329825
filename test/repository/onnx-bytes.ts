/** Smallest files with the outer form of an ONNX model; what they hold tells one from another. */

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(Math.floor(value / 128))];
}

/** A length-delimited field. */
export function field(number: number, bytes: Uint8Array | readonly number[]): Uint8Array {
  return Uint8Array.from([...varint(number * 8 + 2), ...varint(bytes.length), ...bytes]);
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const join = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));

/** ir_version, a graph with a tensor of raw data, and its external data, if any. */
export function onnxBytes(content: string, externalData: readonly string[] = []): Uint8Array {
  const initializers = externalData.map(location => {
    const entry = join(field(1, text('location')), field(2, text(location)));
    return field(5, join(field(8, text('w')), field(13, entry)));
  });
  const inside = field(5, field(9, text(content)));
  return join(Uint8Array.from([8, 8]), field(7, join(inside, ...initializers)), field(8, [16, 17]));
}
