/** The answers on one connection, pipelined ones too, with as little work for each as can be. */

export interface NonceReply {
  readonly status: number;
  /** Lower-cased, from the status line to before the empty line. */
  readonly head: string;
  /** Valid during the call alone. */
  readonly body: Buffer;
  /** Of the JSON before binary tensors; undefined: all of it is JSON. */
  readonly jsonLength: number | undefined;
}

interface Head {
  readonly text: string;
  /** Where its body begins. */
  readonly end: number;
  readonly length: number;
}

const NO_BYTES = Buffer.alloc(0);

export class NonceReplies {
  readonly #each: (reply: NonceReply) => void;
  #held: Buffer = NO_BYTES;
  #head: Head | undefined;

  constructor(each: (reply: NonceReply) => void) {
    this.#each = each;
  }

  /** `bytes` may be overwritten afterwards. Throws for what is no answer of a known length. */
  read(bytes: Buffer): void {
    const all = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    let at = 0;
    for (;;) {
      this.#head ??= headOf(all, at);
      const head = this.#head;
      if (head === undefined || all.length - at < head.end + head.length) break;
      this.#head = undefined;
      const from = at + head.end;
      at = from + head.length;
      this.#tell(head, all.subarray(from, at));
    }
    this.#held = at === all.length ? NO_BYTES : Buffer.from(all.subarray(at));
  }

  #tell({ text }: Head, body: Buffer): void {
    const json = headerOf(text, 'inference-header-content-length');
    const jsonLength = json === undefined ? undefined : Number(json);
    this.#each({ status: Number(text.slice(9, 12)), head: text, body, jsonLength });
  }
}

/** A header's value; `name` in lower case. */
export function headerOf(head: string, name: string): string | undefined {
  const at = head.indexOf(`\r\n${name}: `);
  if (at < 0) return undefined;
  const from = at + name.length + 4;
  const to = head.indexOf('\r\n', from);
  return head.slice(from, to < 0 ? undefined : to);
}

/** Undefined while it is not whole. */
function headOf(bytes: Buffer, at: number): Head | undefined {
  const end = bytes.indexOf('\r\n\r\n', at, 'latin1');
  if (end < 0) return undefined;
  const text = bytes.toString('latin1', at, end).toLowerCase();
  const length = headerOf(text, 'content-length');
  if (!text.startsWith('http/1.1 ') || length === undefined)
    throw new Error(`no answer: ${text.slice(0, 100)}`);
  return { text, end: end + 4 - at, length: Number(length) };
}
