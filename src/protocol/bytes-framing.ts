/** BYTES elements on the wire: each a little-endian uint32 length and that many bytes. */
import { isUtf8 } from 'node:buffer';

/** Elements in `data`, or −1 where the last one is cut short. */
export function countFramed(data: Uint8Array): number {
  let count = 0;
  let at = 0;
  while (at < data.length) {
    if (at + 4 > data.length) return -1;
    at += 4 + frameLength(data, at);
    count++;
  }
  return at === data.length ? count : -1;
}

/**
 * Index of the first element that is no UTF-8 text or holds a NUL, or −1. ONNX Runtime takes JavaScript strings from
 * Node and cuts them off at a NUL, so such an element would reach the model as something else. Needs sound framing.
 */
export function firstUnfitText(data: Uint8Array): number {
  let index = 0;
  for (let at = 0; at < data.length; index++) {
    const from = at + 4;
    at = from + frameLength(data, at);
    const text = data.subarray(from, at);
    if (!isUtf8(text) || text.includes(0)) return index;
  }
  return -1;
}

/** Length of the element framed at `at`; needs four bytes there. */
export function frameLength(data: Uint8Array, at: number): number {
  const low = (data[at] as number) | ((data[at + 1] as number) << 8) | ((data[at + 2] as number) << 16);
  return low + (data[at + 3] as number) * 2 ** 24;
}

/** `bytes` as the only element of a BYTES tensor; a copy. */
export function frameOne(bytes: Uint8Array): Uint8Array {
  const framed = Buffer.allocUnsafe(4 + bytes.length);
  framed.writeUInt32LE(bytes.length, 0);
  framed.set(bytes, 4);
  return framed;
}

/** Collects strings as framed UTF-8 in one buffer that doubles as it fills. */
export class FramedStrings {
  #buffer = Buffer.allocUnsafe(256);
  #at = 0;

  append(text: string): void {
    const most = this.#at + 4 + text.length * 3;
    if (most > this.#buffer.length) this.#grow(most);
    const length = this.#buffer.write(text, this.#at + 4, 'utf8');
    this.#buffer.writeUInt32LE(length, this.#at);
    this.#at += 4 + length;
  }

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#at);
  }

  #grow(atLeast: number): void {
    const larger = Buffer.allocUnsafe(Math.max(atLeast, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}
