/**
 * What passes between the I/O thread and a run thread. A run itself passes through the slot's shared memory and the
 * signal words below; only what happens once per load, per buffer growth, per large answer or per failure is a
 * message. A message is always read when a signal says so, never by an event.
 */
import type { MessagePort } from 'node:worker_threads';
import type { ErrorCode } from '../errors.ts';
import type { ModelSignature } from '../inference.ts';
import type { LoadOrder } from '../protocol/load-order.ts';
import type { SlotBuffers } from './slot.ts';

/** Words of a run thread's signal block. */
export const SIGNAL = { request: 0, done: 1, operation: 2, words: 4 } as const;
/** Written to `operation` when a command waits in the port; any other value is the index of the slot to run. */
export const COMMAND = -1;

export interface RunThreadData {
  readonly signal: SharedArrayBuffer;
  readonly port: MessagePort;
}

export type Command =
  | { readonly kind: 'load'; readonly order: LoadOrder }
  | { readonly kind: 'slots'; readonly slots: readonly SlotBuffers[] }
  | { readonly kind: 'release' };

/** Precedes a run in a slot whose input buffer this thread has not seen. */
export interface NewInput {
  readonly slot: number;
  readonly generation: number;
  readonly input: SharedArrayBuffer;
}

export type CommandReply =
  | { readonly kind: 'loaded'; readonly signature: ModelSignature }
  | { readonly kind: 'done' }
  | Failure;

/** Follows a run whose slot says `message`. */
export type RunMessage = { readonly kind: 'outputs'; readonly data: readonly Uint8Array[] } | Failure;

export interface Failure {
  readonly kind: 'failed';
  readonly code: ErrorCode;
  /** Free of paths: may be shown to callers. */
  readonly message: string;
}
