/** Bounds on what one request's JSON may describe; the size of the body itself is bounded where it is received. */
export interface DecodeLimits {
  readonly maxInputs: number;
  /** Dimensions of one tensor. */
  readonly maxRank: number;
  /** Elements of one tensor, and the largest single dimension. */
  readonly maxElements: number;
  /** Levels of nesting in the JSON. */
  readonly maxDepth: number;
}

/** 2²⁶ elements is what a body of 64 MiB holds of the smallest datatype. */
export const DEFAULT_DECODE_LIMITS: DecodeLimits = {
  maxInputs: 256,
  maxRank: 16,
  maxElements: 2 ** 26,
  maxDepth: 100,
};

/** Classes of one row: to keep so many of 100,000 takes 7 ms when cold; to sort them all took 52. */
export const MAX_CLASSES = 1000;

/** Entries of one `parameters` object. */
export const MAX_PARAMETERS = 64;
