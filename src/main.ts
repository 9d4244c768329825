#!/usr/bin/env -S node --v8-pool-size=0
/** The `headgate` command: finds the subcommand and hands over. Exit codes: 0 success, 1 failure, 2 bad usage. */
import { benchCommand } from './commands/bench.ts';
import { type Command, UsageError } from './commands/command.ts';
import { modelsCommand } from './commands/models.ts';
import { serveCommand } from './commands/serve.ts';
import { tuneCommand } from './commands/tune.ts';
import { workerCommand } from './commands/worker.ts';
import { ConfigError } from './config/config-error.ts';
import { VERSION } from './version.ts';

const COMMANDS: readonly Command[] = [serveCommand, workerCommand, modelsCommand, benchCommand, tuneCommand];

const OVERVIEW = `Headgate ${VERSION}: a high-throughput inference gateway for ONNX models.

Usage: headgate <command> [options]

${COMMANDS.map(({ name, summary }) => `  ${name.padEnd(8)} ${summary}`).join('\n')}

headgate <command> --help says more. headgate --version prints the version.
`;

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(OVERVIEW);
    return name === undefined ? 2 : 0;
  }
  if (name === '--version' || name === '-v') {
    process.stdout.write(`${VERSION}\n`);
    return 0;
  }
  const command = COMMANDS.find(candidate => candidate.name === name);
  if (command === undefined) {
    throw new UsageError(`no command '${name}'; there are ${COMMANDS.map(c => c.name).join(', ')}`);
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    process.stdout.write(command.help());
    return 0;
  }
  return command.run(rest);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const expected = error instanceof UsageError || error instanceof ConfigError;
  process.stderr.write(`headgate: ${expected ? error.message : String((error as Error).stack ?? error)}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
