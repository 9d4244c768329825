/**
 * Walks an ONNX file's protobuf as it streams by and collects the locations of its external data. Weights inside
 * the file are skipped without being looked at; a file that ends inside a field is found out.
 */

/** Message → field → the message it holds. What is not here is skipped. */
const SHAPE = {
  model: { 7: 'graph', 20: 'training', 25: 'function' },
  training: { 1: 'graph', 2: 'graph' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  function: { 7: 'node' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  sparse: { 1: 'tensor', 2: 'tensor' },
  tensor: { 13: 'entry' },
  entry: { 1: 'key', 2: 'value' },
} as const satisfies Record<string, Readonly<Record<number, string>>>;

type Message = keyof typeof SHAPE;
type Part = Message | 'key' | 'value';

const MAX_TEXT_BYTES = 4096;
const MAX_DEPTH = 64;
const MAX_LOCATIONS = 1024;

interface Level {
  readonly message: Message;
  /** Position in the file at which the message ends. */
  readonly end: number;
}

/** What comes next: a field's tag, its length, its varint, bytes to skip, bytes of a text. */
type Expecting = 'tag' | 'length' | 'varint' | 'skip' | 'text';

export class OnnxWalk {
  readonly #locations = new Set<string>();
  readonly #levels: Level[] = [{ message: 'model', end: Number.POSITIVE_INFINITY }];
  #position = 0;
  #expecting: Expecting = 'tag';
  #varint = 0;
  #varintShift = 0;
  /** What the field whose length comes next holds. */
  #part: Part | undefined;
  #left = 0;
  #text: Buffer[] = [];
  /** Of the entry being read; they may come in either order. */
  #key = '';
  #value = '';
  #problem = '';

  /** Why this is not a complete ONNX file, once all of it has been pushed; '' when it may be one. */
  problem(): string {
    if (this.#problem !== '') return this.#problem;
    const between = this.#expecting === 'tag' && this.#varintShift === 0 && this.#levels.length === 1;
    return between && this.#position > 0 ? '' : 'the file ends too early to be a complete ONNX model';
  }

  /** As written in the file: not yet checked. */
  get locations(): ReadonlySet<string> {
    return this.#locations;
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && this.#problem === '') {
      if (this.#expecting === 'skip' || this.#expecting === 'text') at = this.#consume(chunk, at);
      else at = this.#readVarint(chunk, at);
    }
  }

  #consume(chunk: Buffer, at: number): number {
    const take = Math.min(this.#left, chunk.length - at);
    if (this.#expecting === 'text') this.#text.push(Buffer.from(chunk.subarray(at, at + take)));
    this.#left -= take;
    this.#position += take;
    if (this.#left === 0) {
      if (this.#expecting === 'text') this.#endText();
      this.#nextField();
    }
    return at + take;
  }

  #readVarint(chunk: Buffer, start: number): number {
    let at = start;
    for (;;) {
      const byte = chunk[at++] as number;
      this.#position++;
      // Values above 2⁵³ lose digits; no tag or length of a file that exists is that large.
      this.#varint += (byte & 0x7f) * 2 ** this.#varintShift;
      this.#varintShift += 7;
      if (byte < 0x80) break;
      if (this.#varintShift > 63) return this.#fail(at);
      if (at === chunk.length) return at;
    }
    const value = this.#varint;
    this.#varint = 0;
    this.#varintShift = 0;
    if (this.#expecting === 'tag') this.#startField(value);
    else if (this.#expecting === 'length') this.#startBytes(value);
    else this.#nextField();
    return at;
  }

  #startField(tag: number): void {
    const field = Math.floor(tag / 8);
    const level = this.#levels.at(-1) as Level;
    const wire = tag % 8;
    this.#part = (SHAPE[level.message] as Readonly<Record<number, Part>>)[field];
    if (field === 0) this.#fail(0);
    else if (wire === 0) this.#expecting = 'varint';
    else if (wire === 2) this.#expecting = 'length';
    else if (wire === 1) this.#skip(8);
    else if (wire === 5) this.#skip(4);
    else this.#fail(0);
  }

  #startBytes(length: number): void {
    const end = this.#position + length;
    if (end > (this.#levels.at(-1) as Level).end) return void this.#fail(0);
    const part = this.#part;
    if (part === 'key' || part === 'value') {
      if (length > MAX_TEXT_BYTES) return void this.#fail(0);
      this.#text = [];
      this.#left = length;
      this.#expecting = 'text';
      if (length > 0) return;
      this.#endText();
      this.#nextField();
    } else if (part === undefined) {
      this.#skip(length);
    } else {
      this.#levels.push({ message: part, end });
      if (this.#levels.length > MAX_DEPTH) this.#fail(0);
      this.#nextField();
    }
  }

  #skip(length: number): void {
    this.#left = length;
    this.#expecting = 'skip';
    if (length === 0) this.#nextField();
  }

  #endText(): void {
    const text = Buffer.concat(this.#text).toString('utf8');
    this.#text = [];
    if (this.#part === 'key') this.#key = text;
    else this.#value = text;
  }

  #endMessage({ message }: Level): void {
    if (message !== 'entry') return;
    if (this.#key === 'location') this.#locations.add(this.#value);
    this.#key = this.#value = '';
    if (this.#locations.size > MAX_LOCATIONS)
      this.#problem = `more than ${MAX_LOCATIONS} files of external data`;
  }

  #nextField(): void {
    this.#expecting = 'tag';
    for (let level = this.#levels.at(-1); level !== undefined && this.#position >= level.end; ) {
      if (this.#position > level.end) return void this.#fail(0);
      this.#endMessage(level);
      this.#levels.pop();
      level = this.#levels.at(-1);
    }
  }

  #fail(at: number): number {
    this.#problem ||= 'not an ONNX file';
    return at;
  }
}
