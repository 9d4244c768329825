import { GatewayError } from '../errors.ts';

/** One rule for every name in a path: nothing that could be a path, a pattern or a control character passes. */
export const NAME_PATTERN = '^(?!\\.)[A-Za-z0-9._-]{1,128}$';
const NAME = new RegExp(NAME_PATTERN);

/** The names in a path, decoded once. */
export interface Named {
  /** '' where the path has none. */
  readonly model: string;
  readonly version: string | undefined;
}

/** Throws `not-found` for a name that no model or version can have. */
export function checkNames({ model, version }: Named): void {
  if (!NAME.test(model)) throw new GatewayError('not-found', 'unknown model');
  if (version !== undefined && !NAME.test(version)) throw new GatewayError('not-found', 'unknown version');
}
