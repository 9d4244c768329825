/** Cuts a stream of bytes into lines, keeping at most one shortened line in memory. */
const MAX_LINE_CHARS = 2000;

export class LineSplitter {
  readonly #decoder = new TextDecoder();
  readonly #onLine: (line: string) => void;
  #rest = '';

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  readonly push = (chunk: Uint8Array): void => {
    const lines = (this.#rest + this.#decoder.decode(chunk, { stream: true })).split('\n');
    this.#rest = (lines.pop() ?? '').slice(0, MAX_LINE_CHARS);
    for (const line of lines) {
      if (line !== '') this.#onLine(line.slice(0, MAX_LINE_CHARS));
    }
  };
}
