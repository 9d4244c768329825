import { type ParseArgsConfig, parseArgs } from 'node:util';

/** Reads a bench's flags. `--help` prints `usage` and ends with 0; a flag it does not know, also why, and ends with 2. */
export function readFlags<const Config extends ParseArgsConfig>(config: Config, usage: string) {
  if (process.argv.includes('--help')) {
    console.log(usage);
    process.exit(0);
  }
  try {
    return parseArgs(config);
  } catch (error) {
    endWith((error as Error).message, usage);
  }
}

/** Says what is wrong with what was asked for, and what can be, and ends with 2. */
export function endWith(problem: string, usage: string): never {
  console.error(`${problem}\n${usage}`);
  process.exit(2);
}
