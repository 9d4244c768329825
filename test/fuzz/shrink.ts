/** The least bytes that still do it. */

export type StillFails = (bytes: Buffer) => Promise<boolean>;

const MOST_TRIES = 300;

/** Takes away ever smaller pieces, as long as what is left still fails; at most 300 tries. */
export async function shrunk(bytes: Buffer, stillFails: StillFails): Promise<Buffer> {
  let least = bytes;
  let tries = 0;
  for (let size = Math.ceil(least.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < least.length && tries < MOST_TRIES; ) {
      const without = Buffer.concat([least.subarray(0, at), least.subarray(at + size)]);
      tries++;
      if (await stillFails(without)) least = without;
      else at += size;
    }
  }
  return least;
}
