/**
 * The head of an inference request as our own gateway sends it. Strict on purpose: whatever is not exactly that is
 * left to node:http, which knows the rest of HTTP. Pure.
 */

/** The gateway's own limits are lower; this keeps a length from being taken for a size of memory. */
export const MAX_BODY_BYTES = 2 ** 30 + 2 ** 20;

export interface InferHead {
  readonly model: string;
  readonly version: string;
  /** Where the body begins. */
  readonly end: number;
  readonly bodyBytes: number;
  /** What `Inference-Header-Content-Length` says. */
  readonly headerBytes: number;
}

const REQUEST = /^POST \/v2\/models\/([^/? ]+)\/versions\/([^/? ]+)\/infer HTTP\/1\.1$/;
/** A name, its colon, and a value of visible characters and single blanks. */
const HEADER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x21-\x7e]+(?:[ \t][\x21-\x7e]+)*)[ \t]*$/;
const DIGITS = /^\d{1,10}$/;

/** Undefined for anything but a whole head of a binary inference over a connection that stays. */
export function parseInferHead(bytes: Buffer): InferHead | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [request = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const [, model, version] = REQUEST.exec(request) ?? [];
  const lengths = readLengths(lines);
  if (model === undefined || version === undefined || lengths === undefined) return undefined;
  const [name, number] = [decoded(model), decoded(version)];
  if (name === undefined || number === undefined) return undefined;
  return { model: name, version: number, end: end + 4, ...lengths };
}

function readLengths(lines: readonly string[]): Pick<InferHead, 'bodyBytes' | 'headerBytes'> | undefined {
  let bodyBytes = -1;
  let headerBytes = -1;
  for (const line of lines) {
    const [, name = '', value = ''] = HEADER.exec(line) ?? [];
    switch (name.toLowerCase()) {
      case 'host':
      case 'content-type':
        break;
      case 'connection':
        if (value !== 'keep-alive') return undefined;
        break;
      case 'content-length':
        if (bodyBytes >= 0 || !DIGITS.test(value)) return undefined;
        bodyBytes = Number(value);
        break;
      case 'inference-header-content-length':
        if (headerBytes >= 0 || !DIGITS.test(value)) return undefined;
        headerBytes = Number(value);
        break;
      default:
        return undefined;
    }
  }
  const fits = headerBytes > 0 && headerBytes <= bodyBytes && bodyBytes <= MAX_BODY_BYTES;
  return fits ? { bodyBytes, headerBytes } : undefined;
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
