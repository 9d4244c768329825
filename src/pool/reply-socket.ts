/**
 * The connection to a worker as undici is given it. node:net reads 64 KB at a time, each into new memory, and external
 * memory is what calls V8's collector: answers of 1 MB had the whole heap marked every five of them. Here what is read
 * lies in one scratch buffer until undici has parsed it, and a long body is read from the kernel straight to its place:
 * with the recogniser's answers of 1 MB the gateway takes 4 ms of CPU a request instead of 17.5.
 */
import { Socket } from 'node:net';
import type { buildConnector } from 'undici';

/** Shared by all connections: undici has dealt with one read before the next begins. */
const SCRATCH = Buffer.allocUnsafeSlow(64 * 1024);
const END_OF_HEAD = '\r\n\r\n';

/** The connection whose bytes undici parses right now. */
let parsing: Reads | undefined;

/**
 * To be called while undici hands over a body: what comes next on this connection, and nothing but the rest of this
 * body may, is read to `place`, which it must not pass.
 */
export function readRestInto(place: Uint8Array): void {
  parsing?.readInto(place);
}

/** Connects undici to a Unix socket, which accepts or refuses at once. */
export function replyConnector(path: string): buildConnector.connector {
  return (_options, callback) => {
    const socket = replySocket();
    const onError = (error: Error) => callback(error, null);
    socket.once('error', onError);
    socket.connect({ path }, () => {
      socket.off('error', onError);
      callback(null, socket);
    });
  };
}

function replySocket(): Socket {
  const onread = {
    buffer: () => reads.room(),
    callback: (bytes: number, buffer: Uint8Array) => reads.note(buffer, bytes),
  };
  // node:net documents `onread` for `connect` alone, and passes it on to this constructor.
  const socket: Socket = new Socket({ onread } as object);
  const reads = new Reads(socket);
  const readStream = socket.read.bind(socket);
  socket.read = (size?: number) => reads.take() ?? readStream(size);
  return socket;
}

class Reads {
  readonly #socket: Socket;
  /** Where the rest of a body goes. */
  #place: Uint8Array | undefined;
  /** Read, and not yet taken. */
  #chunk: Buffer | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  room(): Uint8Array {
    return this.#place ?? SCRATCH;
  }

  readInto(place: Uint8Array): void {
    this.#place = place.byteLength > 0 ? place : undefined;
  }

  take(): Buffer | undefined {
    const chunk = this.#chunk;
    this.#chunk = undefined;
    return chunk;
  }

  note(buffer: Uint8Array, bytes: number): void {
    const chunk = Buffer.from(buffer.buffer, buffer.byteOffset, bytes);
    if (buffer === this.#place) {
      this.#chunk = chunk;
      this.readInto(buffer.subarray(bytes));
    } else {
      // undici keeps views of a head until it has all of it.
      this.#chunk = chunk.includes(END_OF_HEAD) ? chunk : Buffer.from(chunk);
    }
    this.#parse();
  }

  #parse(): void {
    parsing = this;
    try {
      this.#socket.emit('readable');
    } finally {
      parsing = undefined;
    }
    // It would be overwritten.
    if (this.take() !== undefined)
      this.#socket.destroy(new Error('this is a bug: a read was not taken at once'));
  }
}
