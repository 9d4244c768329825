/** Makes what ONNX Runtime or the file system says fit to be shown to callers. */
import { GatewayError } from '../errors.ts';
import type { Failure } from './run-messages.ts';

const MAX_CHARS = 600;
/** An absolute path of two or more segments, up to its last slash. Node names look like paths too; their last part stays. */
const DIRECTORIES = /(?<![\w.:/])(?:[A-Za-z]:)?(?:\/[^\s/'"`:()<>]+)*\/(?=[^\s/'"`:()<>])/g;
const LEADING_STATUS = /^(?:Error: )?(?:\[ONNXRuntimeError\] : \d+ : \w+ : )?/;
const UNPRINTABLE = /[^\x20-\x7e\u00a0-\uffff]+/g;

/** One line without directories, at most 600 characters. */
export function withoutPaths(text: string): string {
  const line = text.replace(UNPRINTABLE, ' ').replace(LEADING_STATUS, '').replace(DIRECTORIES, '').trim();
  return line.length > MAX_CHARS ? `${line.slice(0, MAX_CHARS)}…` : line;
}

/** A failure as a message: a GatewayError keeps its code and text, anything else becomes `code` with its reason. */
export function toFailure(thrown: unknown, code: 'model-failed' | 'invalid', prefix: string): Failure {
  if (thrown instanceof GatewayError) return { kind: 'failed', code: thrown.code, message: thrown.message };
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return { kind: 'failed', code, message: `${prefix}: ${withoutPaths(reason)}` };
}
