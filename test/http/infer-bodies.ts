/** Inference requests for the fake identity model: input X, FP32, [rows, columns]. */

export function jsonBody(rows = 1, columns = 2, extra: Record<string, unknown> = {}): string {
  const data = Array.from({ length: rows * columns }, (_, i) => i / 2);
  return JSON.stringify({
    inputs: [{ name: 'X', datatype: 'FP32', shape: [rows, columns], data }],
    ...extra,
  });
}

export interface BinaryBody {
  readonly body: Buffer;
  readonly headerLength: number;
}

/** Asks for a binary answer too. */
export function binaryBody(rows = 1, columns = 2): BinaryBody {
  const data = Float32Array.from({ length: rows * columns }, (_, i) => i / 2);
  const json = Buffer.from(
    JSON.stringify({
      parameters: { binary_data_output: true },
      inputs: [
        {
          name: 'X',
          datatype: 'FP32',
          shape: [rows, columns],
          parameters: { binary_data_size: data.byteLength },
        },
      ],
    }),
  );
  return { body: Buffer.concat([json, Buffer.from(data.buffer)]), headerLength: json.length };
}
