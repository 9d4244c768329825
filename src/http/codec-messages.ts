/** What passes between the data plane and its codec threads. */
import type { ErrorCode } from '../errors.ts';
import type { EncodedReply, EncodeOptions, InferReply } from '../protocol/encode-infer.ts';
import type { DecodeTarget, InferRequest } from '../protocol/infer-request.ts';
import type { DecodeLimits } from '../protocol/limits.ts';

export interface DecodeJob {
  readonly kind: 'decode';
  /** Its memory moves to the thread. */
  readonly body: Uint8Array;
  readonly headerLength: number | undefined;
  readonly target: DecodeTarget;
  readonly limits: DecodeLimits;
}

export interface EncodeJob {
  readonly kind: 'encode';
  /** The outputs' memory moves to the thread. */
  readonly reply: InferReply;
  readonly request: Pick<InferRequest, 'outputs' | 'parameters'>;
  readonly options: EncodeOptions;
}

export type CodecJob = DecodeJob | EncodeJob;

/** A thread does one job at a time and answers each with one of these. */
export type CodecAnswer =
  | { readonly kind: 'decoded'; readonly request: InferRequest }
  | { readonly kind: 'encoded'; readonly reply: EncodedReply }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string; readonly cause?: string };

/** The memory of views, each once, where it may move to another thread with nothing else in it. */
export function memoryOf(views: readonly Uint8Array[]): ArrayBuffer[] {
  return [...new Set(views.map(view => view.buffer as ArrayBuffer))];
}
