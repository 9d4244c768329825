/**
 * Imported into a gateway's process before it starts (`--import`): every few dozen milliseconds it changes between
 * answering as it is made to and going straight to the batcher. What a cache adds is then seen against the same process
 * at nearly the same moment; two processes alike differ by a sixth. Writes a JSON line for each stretch to the file
 * that `ALTERNATING_LOG` names.
 */
import { createWriteStream } from 'node:fs';
import type { Inference, Submission } from '../../src/inference.ts';
import { ServingVersion } from '../../src/serving-version.ts';
import type { Stretch } from './stretches.ts';

const SHORTEST_MS = 30;
const LONGEST_MS = 90;
/** Of fewer requests the time says nothing. */
const LEAST_REQUESTS = 200;

const log = createWriteStream(process.env['ALTERNATING_LOG'] ?? '/dev/null');
/** Burnt for each request that is answered as it is: a cost known to be there. */
const plantedMs = Number(process.env['ALTERNATING_PLANTED_US'] ?? 0) / 1000;

const asItIs = ServingVersion.prototype.submit;
let isAsItIs = false;
let requests = 0;
let endsAt = 0;
let before = process.cpuUsage();

function change(now: number): void {
  const { user, system } = process.cpuUsage(before);
  const stretch: Stretch = { isAsItIs, at: now, cpuUs: (user + system) / requests };
  if (requests >= LEAST_REQUESTS) log.write(`${JSON.stringify(stretch)}\n`);
  isAsItIs = !isAsItIs;
  requests = 0;
  endsAt = now + SHORTEST_MS + (LONGEST_MS - SHORTEST_MS) * Math.random();
  before = process.cpuUsage();
}

ServingVersion.prototype.submit = function (this: ServingVersion, inference: Inference): Submission {
  const now = performance.now();
  requests++;
  if (now >= endsAt) change(now);
  if (!isAsItIs) return this.batcher.submit(inference);
  while (plantedMs > 0 && performance.now() - now < plantedMs);
  return asItIs.call(this, inference);
};
