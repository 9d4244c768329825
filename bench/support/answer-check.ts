import { isExpected } from './is-expected.ts';
import { readAnswer } from './oip.ts';

/** An answer as a load generator hands it over. */
export interface CheckedReply {
  readonly status: number;
  readonly body: Buffer;
  header(name: string): string | undefined;
}

/** Bodies remembered for each row: batches of different sizes answer the same row with other last digits. */
const MAX_BODIES = 8;

/**
 * Checks every answer's value at the price of one comparison of bytes: a body that was found right is remembered, and
 * is right when it comes again to the same row. The generator shares its cores with what it measures.
 */
export class AnswerCheck {
  readonly #output: string;
  readonly #expected: readonly Float32Array[];
  readonly #right: Buffer[][];

  constructor(output: string, expected: readonly Float32Array[]) {
    this.#output = output;
    this.#expected = expected;
    this.#right = expected.map(() => []);
  }

  /** Throws when this is not the right answer to the row. */
  check(reply: CheckedReply, row: number): void {
    const right = this.#right[row] ?? [];
    for (const body of right) if (body.equals(reply.body)) return;
    const length = reply.header('inference-header-content-length');
    const headers = new Map(length === undefined ? [] : [['inference-header-content-length', length]]);
    const values = readAnswer({ status: reply.status, headers, body: reply.body }).get(this.#output) ?? [];
    const expected = this.#expected[row];
    if (expected === undefined || !isExpected(values, expected)) {
      throw new Error(`row ${row} was answered ${values.slice(0, 10)}, not ${expected?.slice(0, 10)}`);
    }
    if (right.length < MAX_BODIES) right.push(Buffer.from(reply.body));
  }
}

/** Judges an echo: each answer's body must be its request's. */
export function echoes(
  requests: readonly Buffer[],
): (reply: Pick<CheckedReply, 'body'>, index: number) => void {
  const bodies = requests.map(request => request.subarray(request.indexOf('\r\n\r\n') + 4));
  return ({ body }, index) => {
    if (bodies[index]?.equals(body) !== true) throw new Error('not what was sent');
  };
}
