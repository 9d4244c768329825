/** `npm run faults:slow-clients`: good traffic beside thousands of connections that idle, send slowly or read slowly. */
import { readFlags } from '../../bench/support/flags.ts';
import { reportRows } from './report-rows.ts';
import { silenceRows, silentClients } from './silent-clients.ts';
import { slowClients } from './slow-clients.ts';
import { slowClientsRows } from './slow-clients-figures.ts';
import { startSlowSubject } from './slow-clients-subject.ts';

const HELP = `Usage: npm run faults:slow-clients -- [options]

Loads a real gateway moderately, by turns alone and beside connections of another process that idle, send a byte every
ten seconds or hardly read their answers, and says what good traffic felt of them. Then it stops a process whose
clients said nothing, or half of something, and watches how soon the gateway lets go of them. Exit code 1 when a target
is missed.

  --idle <n>      connections that idle (default 10000)
  --senders <n>   slow senders, half of them in a head and half in a body (default 1000)
  --readers <n>   slow readers of 8 MB each (default 50)
  --stretches <n> with them (default 5); one more without
  --seconds <n>   of each (default 10)
  --share <n>     of what the gateway carries, the good load (default 0.3)
  --silent <n>    of each kind of silent client (default 50)
  --seed <n>      of the arrivals (default 1)
  --help          this text
`;

const { values: flags } = readFlags(
  {
    options: {
      idle: { type: 'string', default: '10000' },
      senders: { type: 'string', default: '1000' },
      readers: { type: 'string', default: '50' },
      stretches: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '10' },
      share: { type: 'string', default: '0.3' },
      silent: { type: 'string', default: '50' },
      seed: { type: 'string', default: '1' },
    },
  },
  HELP,
);

const half = Number(flags.senders) / 2;
const progress = (text: string): void => console.error(text);
const slow = await measure();
progress('silent clients');
const silences = await silentClients(Number(flags.silent));
const rows = [...slowClientsRows(slow), ...silenceRows(silences)];
process.exitCode = reportRows('slow-clients', rows, { slow, silences }) ? 0 : 1;

async function measure() {
  await using subject = await startSlowSubject();
  return await slowClients(subject, {
    guests: {
      idle: Number(flags.idle),
      head: Math.ceil(half),
      body: Math.floor(half),
      reader: Number(flags.readers),
    },
    stretches: Number(flags.stretches),
    secondsEach: Number(flags.seconds),
    share: Number(flags.share),
    seed: Number(flags.seed),
    progress,
  });
}
