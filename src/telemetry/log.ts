/** The process's log: one JSON object per line, written behind the event loop's back. */
import { type DestinationStream, destination, type Logger, pino } from 'pino';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

export interface LogOptions {
  readonly level: LogLevel;
  /** A file descriptor, standard error when absent; or a stream, whose closing stays with its owner. */
  readonly destination?: number | DestinationStream;
  /** Hears of every line that was dropped, for its reader is too slow or its file cannot grow. */
  readonly dropped?: () => void;
}

export interface Log {
  readonly logger: Logger;
  /**
   * Writes what is still waiting, for a second at most, and gives the descriptor up; never rejects. The last thing a
   * process does with its log: nothing is logged any more.
   */
  close(): Promise<void>;
}

type Stream = ReturnType<typeof destination>;

const STANDARD_ERROR = 2;
/** Waiting for a slow destination at most; lines past it are dropped, never waited for. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
/** For what waits when the process leaves: whoever reads nothing must not keep it. */
const LAST_WRITES_MS = 1000;

/** A logger that never blocks its caller: lines go to the descriptor asynchronously, through a bounded buffer. */
export function createLog({ level, destination: to = STANDARD_ERROR, dropped }: LogOptions): Log {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (typeof to !== 'number') return { logger: pino(options, to), close: () => Promise.resolve() };
  // Node opens a pipe so that writing to it never blocks: a thread that is blocked would keep the process from ending.
  if (to === STANDARD_ERROR) void process.stderr;
  const state = { isOver: false };
  const stream = destination({
    ...{ dest: to, sync: false, maxLength: MAX_WAITING_BYTES },
    retryEAGAIN: () => !state.isOver,
  });
  stream.on('error', () => {}); // a closed pipe must not end the gateway
  if (dropped !== undefined) stream.on('drop', dropped);
  const logger = pino(options, stream);
  const close = async (): Promise<void> => {
    logger.level = 'silent';
    await lastWrites(stream);
    state.isOver = true;
    // Or it would be written out at the exit of the process, for ever where that fails.
    stream.destroy();
  };
  return { logger, close };
}

/** Resolves once all is written, cannot be, or takes too long. `flushSync` tries for ever, whatever the error. */
function lastWrites(stream: Stream): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, LAST_WRITES_MS);
    const over = (): void => {
      clearTimeout(timer);
      resolve();
    };
    stream.once('close', over);
    stream.once('error', over);
    stream.end();
  });
}
