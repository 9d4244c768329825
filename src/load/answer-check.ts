/**
 * Whether a model answers the same request the same way each time, alone or in a crowd: the first answers are taken
 * one at a time before any load, and every later one is held against them.
 */
import { decodeReply } from '../protocol/worker-reply.ts';
import type { Datatype, Tensor } from '../tensor.ts';
import type { Reply } from './reply.ts';
import { areSameClasses } from './same-classes.ts';

/** Undefined when equal within what the datatype's arithmetic allows; otherwise what differs. */
export type DifferenceOf = (datatype: Datatype, one: Uint8Array, other: Uint8Array) => string | undefined;

interface Expected {
  readonly outputs: readonly Tensor[];
  /** The whole body: mostly the next one is the same to the byte, which is quicker to see than to decode. */
  readonly body: Buffer;
}

/** Remembers the reference answers, of which there must be few. */
export class AnswerCheck {
  readonly #differenceOf: DifferenceOf;
  readonly #expected: Expected[] = [];

  constructor(differenceOf: DifferenceOf) {
    this.#differenceOf = differenceOf;
  }

  /** Bytes of the largest one. */
  get largestBytes(): number {
    return Math.max(0, ...this.#expected.map(({ body }) => body.length));
  }

  /** The right answer to the next request. Throws where it is none of an inference. */
  learn(reply: Reply): void {
    const body = Buffer.from(reply.body);
    this.#expected.push({ body, outputs: decode(reply.header('inference-header-content-length'), body) });
  }

  /** For `openLoop` and `closedLoop`: throws, saying which output differs and how. */
  readonly check = (reply: Reply, index: number): void => {
    const expected = this.#expected[index % this.#expected.length] as Expected;
    if (expected.body.equals(reply.body)) return;
    const outputs = decode(reply.header('inference-header-content-length'), reply.body);
    if (outputs.length !== expected.outputs.length)
      throw new Error(`${expected.outputs.length} outputs before, ${outputs.length} now`);
    for (let i = 0; i < outputs.length; i++)
      this.#compare(expected.outputs[i] as Tensor, outputs[i] as Tensor);
  };

  #compare(before: Tensor, now: Tensor): void {
    const { name, datatype, shape, data } = now;
    if (name !== before.name || datatype !== before.datatype || String(shape) !== String(before.shape))
      throw new Error(`output '${before.name}' has changed its name, datatype or shape`);
    if (datatype === 'BYTES' && areSameClasses(before.data, data)) return;
    const difference = this.#differenceOf(datatype, before.data, data);
    if (difference !== undefined) throw new Error(`output '${name}': ${difference}`);
  }
}

function decode(headerLength: string | undefined, body: Buffer): readonly Tensor[] {
  return decodeReply(body, headerLength === undefined ? undefined : Number(headerLength));
}
