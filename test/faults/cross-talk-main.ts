/** `npm run faults:cross-talk`: asks nonces of a real gateway while its workers are killed and clients leave. */
import { readFlags } from '../../bench/support/flags.ts';
import { crossTalk, crossTalkRows } from './cross-talk.ts';
import { startCrossTalkSubject } from './cross-talk-subject.ts';
import { planted } from './hooks/planted.ts';
import { reportRows } from './report-rows.ts';

const HELP = `Usage: npm run faults:cross-talk -- [options]

Every request carries numbers that no other has through a model that answers with its input: batched, padded, cached,
joined, on two workers and in large tensors, as JSON and binary, pipelined too, while workers are killed, are late to
wake their run threads, and clients leave. An answer that holds anything but its own rows and id ends the run. Exit code 1 when a target is missed.

  --replies <n>   right answers to wait for (default 10000000)
  --clients <n>   connections (default 64); 30 % of them leave again and again
  --every <n>     seconds from one worker's death to the next (default 15)
  --seed <n>      of the nonces (default 1)
  --plant <bug>   swap-rows or weak-key: a gateway with that bug, which must be found
  --help          this text
`;

const { values: flags } = readFlags(
  {
    options: {
      replies: { type: 'string', default: '10000000' },
      clients: { type: 'string', default: '64' },
      every: { type: 'string', default: '15' },
      seed: { type: 'string', default: '1' },
      plant: { type: 'string' },
    },
  },
  HELP,
);

const { plant } = flags;
await using subject = await startCrossTalkSubject(
  plant === 'swap-rows' || plant === 'weak-key' ? planted(plant) : planted('late-wakes'),
);
const result = await crossTalk(subject, {
  replies: Number(flags.replies),
  clients: Number(flags.clients),
  killEverySeconds: Number(flags.every),
  seed: Number(flags.seed),
  progress: text => console.error(text),
});
const { told, byKind } = result.tally;
for (const line of told) console.log(line);
const details = { ...result, byKind: [...byKind] };
process.exitCode = reportRows('cross-talk', crossTalkRows(result), details) ? 0 : 1;
