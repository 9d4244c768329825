/** `headgate worker`: the same supervisor without batching of its own, for a gateway on another machine. */
import { type Command, readFlags } from './command.ts';
import { CONFIG_FLAGS, configHelp, configSources } from './config-flags.ts';
import { runGateway } from './run-gateway.ts';

const FLAGS = { ...CONFIG_FLAGS, host: { type: 'string' }, port: { type: 'string' } } as const;

export const workerCommand: Command = {
  name: 'worker',
  summary: 'run models for a gateway elsewhere: one request is one run, nothing is joined',
  help: () => `Usage: headgate worker [options]

Supervises worker processes for every model in the models folder and answers Open Inference Protocol v2. A request
is run as it comes: the gateway that sends it has formed the batch. Ends like headgate serve.

  --host <address>         address to listen on, as http.host
  --port <port>            port to listen on, as http.port
${configHelp()}`,
  run: args => {
    const { host, port, ...flags } = readFlags(args, FLAGS);
    const overrides = {
      ...(host === undefined ? {} : { 'http.host': host }),
      ...(port === undefined ? {} : { 'http.port': port }),
    };
    return runGateway(configSources(flags, overrides), { role: 'worker' });
  },
};
