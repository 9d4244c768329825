/**
 * The held-out digits: never seen in training. `heldout.bin.gz` is, gunzipped, a uint32 count n (little-endian),
 * n bytes of labels 0…9, then n images of 784 bytes, 28 rows of 28 pixels, 0 for paper and 255 for ink.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';

export const PIXELS = 784;
const FILE = new URL('./heldout.bin.gz', import.meta.url);

export interface Digits {
  readonly count: number;
  readonly labels: Uint8Array;
  /** [count, 784]. */
  readonly pixels: Uint8Array;
}

export function readHeldOut(): Digits {
  const bytes = gunzipSync(readFileSync(FILE));
  const count = bytes.readUInt32LE(0);
  const digits = { count, labels: bytes.subarray(4, 4 + count), pixels: bytes.subarray(4 + count) };
  if (digits.pixels.length !== count * PIXELS) throw new Error(`heldout.bin.gz holds no ${count} images`);
  return digits;
}

export function writeHeldOut({ count, labels, pixels }: Digits): void {
  const header = Buffer.alloc(4);
  header.writeUInt32LE(count);
  writeFileSync(FILE, gzipSync(Buffer.concat([header, labels, pixels]), { level: 9 }));
}

/** The `image` input of digits `from` … `to` − 1: FP32 [to − from, 784], 0 for paper and 1 for ink. */
export function imagesOf({ pixels }: Digits, from: number, to: number): Float32Array {
  const images = new Float32Array((to - from) * PIXELS);
  for (let i = 0; i < images.length; i++) images[i] = (pixels[from * PIXELS + i] as number) / 255;
  return images;
}

/** The index of the largest of ten probabilities, for each row of `probabilities` [n, 10]. */
export function digitsOf(probabilities: ArrayLike<number>): number[] {
  const found: number[] = [];
  for (let row = 0; row < probabilities.length; row += 10) {
    let best = 0;
    for (let i = 1; i < 10; i++) {
      if ((probabilities[row + i] as number) > (probabilities[row + best] as number)) best = i;
    }
    found.push(best);
  }
  return found;
}
