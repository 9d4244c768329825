import { GatewayError } from '../errors.ts';
import type { Lease } from '../inference.ts';
import type { Tensor } from '../tensor.ts';

interface Part {
  /** The first of its rows in the request. */
  readonly from: number;
  readonly rows: number;
  readonly outputs: readonly Tensor[];
  readonly inferMs: number;
  /** Of the memory of `outputs`, held for the reassembly. */
  readonly lease: Lease | undefined;
}

/** Collects the answers to one request that was larger than a batch, in whatever order they come. */
export class Reassembly {
  readonly #parts: Part[] = [];
  readonly #rows: number;
  #answered = 0;
  inferMs = 0;

  constructor(rows: number) {
    this.#rows = rows;
  }

  /** True when this was the last part. */
  add(part: Part): boolean {
    this.#parts.push(part);
    this.#answered += part.rows;
    this.inferMs += part.inferMs;
    return this.#answered === this.#rows;
  }

  /** The whole answer. The one place where output rows are copied. Throws `model-failed` for parts of unequal shape. */
  join(): Tensor[] {
    const parts = this.#parts.sort((a, b) => a.from - b.from);
    const [first] = parts as [Part];
    const joined = first.outputs.map((output, index) => {
      const tensors = parts.map(part => part.outputs[index] as Tensor);
      assertSameRows(output, tensors);
      const data = Buffer.concat(tensors.map(tensor => tensor.data));
      return {
        name: output.name,
        datatype: output.datatype,
        shape: [this.#rows, ...output.shape.slice(1)],
        data,
      };
    });
    for (const { lease } of parts) lease?.release();
    return joined;
  }
}

function assertSameRows({ name, shape }: Tensor, tensors: readonly Tensor[]): void {
  const other = tensors.find(tensor => tensor.shape.some((size, axis) => axis > 0 && size !== shape[axis]));
  if (other === undefined) return;
  throw new GatewayError(
    'model-failed',
    `output "${name}" has rows of shape [${shape.slice(1)}] and [${other.shape.slice(1)}] for parts of one request; ` +
      'send it in requests no larger than the maximum batch size',
  );
}
