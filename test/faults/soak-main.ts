/** `npm run faults:soak`: what a real gateway holds over half an hour of mixed requests, reloads and clients that leave. */
import { readFlags } from '../../bench/support/flags.ts';
import { reportRows } from './report-rows.ts';
import { soak } from './soak.ts';
import { soakRows } from './soak-figures.ts';

const HELP = `Usage: npm run faults:soak -- [options]

Asks a real gateway requests of all sizes while a model is reloaded again and again and clients leave, and says how
fast its memory, open files and handles grow once it is warm: Theil–Sen slopes with their 95 % interval. One is missed
when the whole interval lies above its target; "unclear" says that it reaches beyond it. Exit code 1 when one is missed.

  --minutes <n>   how long (default 30)
  --warmup <n>    minutes of them that are not looked at, while what is kept by size and kind fills (default: a quarter)
  --sample <n>    seconds from one look to the next (default 5)
  --every <n>     seconds from one reload to the next (default 20)
  --clients <n>   connections (default 32)
  --pause <n>     ms between an answer and what is asked next, on average (default 20)
  --seed <n>      (default 1)
  --leak          a gateway that keeps 1 KB of each request, which must be found
  --help          this text
`;

const { values: flags } = readFlags(
  {
    options: {
      minutes: { type: 'string', default: '30' },
      warmup: { type: 'string' },
      sample: { type: 'string', default: '5' },
      every: { type: 'string', default: '20' },
      clients: { type: 'string', default: '32' },
      pause: { type: 'string', default: '20' },
      seed: { type: 'string', default: '1' },
      leak: { type: 'boolean', default: false },
    },
  },
  HELP,
);

const minutes = Number(flags.minutes);
const result = await soak({
  minutes,
  warmupMinutes: flags.warmup === undefined ? minutes / 4 : Number(flags.warmup),
  sampleSeconds: Number(flags.sample),
  reloadSeconds: Number(flags.every),
  clients: Number(flags.clients),
  pauseMs: Number(flags.pause),
  seed: Number(flags.seed),
  ...(flags.leak ? { leakBytes: 1024 } : {}),
  progress: text => console.error(text),
});
for (const line of result.tally.told) console.log(line);
const { samples, reloads, seconds, warmupMs } = result;
const details = { samples, reloads, seconds, warmupMs };
process.exitCode = reportRows('soak', soakRows(result), details) ? 0 : 1;
