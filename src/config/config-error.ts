/** Everything wrong with one configuration, found in one pass, so that it is mended in one go. */
export interface Problem {
  /** File and line, environment variable or flag that says it. */
  readonly origin: string;
  /** The key's path, such as `instances[0].count`; '' for the whole document. */
  readonly key: string;
  /** What was expected and what was found. */
  readonly message: string;
}

/** A configuration that was refused, with all its problems. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.problems = problems;
  }
}

export function formatProblem({ origin, key, message }: Problem): string {
  return [origin, key, message].filter(part => part !== '').join(': ');
}
