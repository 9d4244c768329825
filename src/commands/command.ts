/** A subcommand, and how its arguments are read. */
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';

export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly help: () => string;
  /** Resolves with the exit code. Throws UsageError for arguments it does not take. */
  run(args: readonly string[]): Promise<number>;
}

/** The command line is wrong: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Reads flags strictly: an unknown one, a stray word or a missing value is a UsageError naming it. */
export function readFlags<const Options extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: Options,
) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
