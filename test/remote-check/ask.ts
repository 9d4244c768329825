/** Requests in JSON, written here and not by Headgate's own code. */
export interface Tensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: readonly unknown[];
}

export interface Said {
  readonly status: number;
  readonly error: string;
  readonly retryAfter: string | null;
  readonly text: string;
  readonly outputs: readonly Tensor[];
}

export async function infer(base: string, model: string, inputs: readonly Tensor[]): Promise<Said> {
  const url = `${base}/v2/models/${model}/infer`;
  const response = await fetch(url, { method: 'POST', body: JSON.stringify({ inputs }) });
  const text = await response.text();
  const { error = '', outputs = [] } = JSON.parse(text) as { error?: string; outputs?: Tensor[] };
  return { status: response.status, error, retryAfter: response.headers.get('retry-after'), text, outputs };
}

export const rowsOf = (rows: readonly (readonly number[])[]): Tensor[] => [
  { name: 'x', datatype: 'FP32', shape: [rows.length, 4], data: rows.flat() },
];

/** Floats that FP32 holds exactly, so that JSON changes none; the same for one seed. */
export function someRows(count: number, seed: number): number[][] {
  return Array.from({ length: count }, (_, row) =>
    [0, 1, 2, 3].map(column => Math.fround(Math.sin(seed + row * 4 + column))),
  );
}

export const dataOf = ({ outputs }: Said, name: string): readonly unknown[] =>
  outputs.find(output => output.name === name)?.data ?? [];

/** FP32 as the bits are: one server writes them in eight digits, another in seventeen. */
export const floatsOf = (said: Said, name: string): number[] =>
  dataOf(said, name).map(value => Math.fround(value as number));
