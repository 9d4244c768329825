/** The gateway as its operators see it: what a scenario looks at to know that its fault happened. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BreakerRow, ModelRow, WorkerRow } from '../../src/admin/service.ts';
import type { Subject } from './subject.ts';

export async function admin<T>({ headgate }: Subject, url: string): Promise<T> {
  return (await (await fetch(`${headgate.adminUrl}${url}`)).json()) as T;
}

export const workers = (subject: Subject): Promise<readonly WorkerRow[]> => admin(subject, '/v1/workers');

export const models = (
  subject: Subject,
): Promise<readonly (ModelRow & { readonly runningBatches?: number })[]> => admin(subject, '/v1/models');

export const breakers = (subject: Subject): Promise<readonly BreakerRow[]> => admin(subject, '/v1/breakers');

/** The processes of the workers that host a model. */
export async function workerPidsOf(subject: Subject, model: string): Promise<readonly number[]> {
  const hosts = (await workers(subject)).filter(worker => worker.models?.some(one => one.model === model));
  return hosts.flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
}

/** The sum of a metric's series whose labels hold every one of these. */
export async function metric(
  { headgate }: Subject,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  const text = await (await fetch(`${headgate.adminUrl}/metrics`)).text();
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return text
    .split('\n')
    .filter(line => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .filter(line => wanted.every(part => line.includes(part)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

/** How often the gateway has printed this text. */
export const logged = ({ headgate }: Subject, text: string): number =>
  headgate.output().split(text).length - 1;

/** Asks again and again until it is so. Rejects, naming it, when that takes longer than `withinMs`. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  withinMs = 20_000,
): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(10);
  }
}
