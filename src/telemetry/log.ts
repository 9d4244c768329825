/** The process's log: one JSON object per line, written behind the event loop's back. */
import { type DestinationStream, destination, type Logger, pino } from 'pino';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

export interface LogOptions {
  readonly level: LogLevel;
  /** A file descriptor, standard error when absent; or a stream, whose closing stays with its owner. */
  readonly destination?: number | DestinationStream;
}

export interface Log {
  readonly logger: Logger;
  /** Writes what is still waiting and gives the descriptor up. The last thing a process does with its log. */
  close(): void;
}

/** Waiting for a slow destination at most; lines past it are dropped, never waited for. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

/** A logger that never blocks its caller: lines go to the descriptor asynchronously, through a bounded buffer. */
export function createLog({ level, destination: to = 2 }: LogOptions): Log {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (typeof to !== 'number') return { logger: pino(options, to), close: () => {} };
  const stream = destination({ dest: to, sync: false, maxLength: MAX_WAITING_BYTES });
  stream.on('error', () => {}); // a closed pipe must not end the gateway
  return { logger: pino(options, stream), close: () => flush(stream) };
}

function flush(stream: ReturnType<typeof destination>): void {
  try {
    stream.flushSync();
  } catch {
    // The destination is gone, or has not opened: there is nobody left to tell.
  }
}
