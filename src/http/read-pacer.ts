import type { IncomingMessage } from 'node:http';

const CHUNKS_PER_TURN = 256;
/**
 * The server's high-water mark: how much a paused request buffers before its socket is no longer read. Less would
 * pause and resume the socket for every small body; one read of tiny chunks passes it anyway.
 */
export const PAUSED_BYTES = 4096;

/**
 * Keeps one client's flood of tiny chunks from holding the event loop: libuv reads a busy socket up to 32 times in a
 * row, 64 KiB each, and one such read can hold 11,000 chunks. A pause stops reading once `PAUSED_BYTES` have piled up.
 */
export class ReadPacer {
  readonly #request: IncomingMessage;
  #chunks = 0;

  constructor(request: IncomingMessage) {
    this.#request = request;
  }

  /** To be called for each chunk. */
  noteChunk(): void {
    if (++this.#chunks !== CHUNKS_PER_TURN) return;
    this.#request.pause();
    setImmediate(() => {
      this.#chunks = 0;
      this.#request.resume();
    });
  }
}
