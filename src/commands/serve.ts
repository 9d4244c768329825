/** `headgate serve`: the gateway with its two ports, until it is told to stop. */
import { type Command, readFlags } from './command.ts';
import { CONFIG_FLAGS, configHelp, configSources } from './config-flags.ts';
import { runGateway } from './run-gateway.ts';

export const serveCommand: Command = {
  name: 'serve',
  summary: 'serve the models of a folder over HTTP (Open Inference Protocol v2)',
  help: () => `Usage: headgate serve [options]

Serves every model in the models folder on the data plane, and metrics, states and control on the admin plane.
Ends on SIGINT or SIGTERM once it has answered what it accepted; a second signal ends it at once.

${configHelp()}`,
  run: args => runGateway(configSources(readFlags(args, CONFIG_FLAGS)), { role: 'gateway' }),
};
