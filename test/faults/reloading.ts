/** What R9 to R12 have in common: a gateway whose files are changed under traffic, and S5's figures of it. */

import { addConstant, slow } from '../support/onnx.ts';
import type { ModelFiles } from '../support/repository.ts';
import { allRight, type Row, slower } from './figures.ts';
import type { ScenarioOptions } from './scenario.ts';
import {
  DIFFERENT,
  type Load,
  outputOf,
  PATIENT,
  PATIENT_TARGET,
  rowsFor,
  type Subject,
  startSubjectWith,
  TURNS,
  WIDTH,
} from './subject.ts';
import { type Carried, capacityOf, carry, carryWhile, type Traffic, tail } from './traffic.ts';

const SHARE = 0.7;
/** Where other work may be on the machine. */
const LIGHT_PER_SECOND = 100;
const MAX_P99_RATIO = 1.5;

export function startReloadable(more: Readonly<Record<string, ModelFiles>> = {}): Promise<Subject> {
  return startSubjectWith({
    target: { versions: { 1: slow(TURNS, WIDTH) }, config: PATIENT_TARGET },
    add: { versions: { 1: addConstant(0, WIDTH) }, config: PATIENT },
    ...more,
  });
}

export interface Reloaded<T> {
  readonly before: Carried;
  readonly during: Carried;
  /** Traffic of `beside`, before the work and while it went on. */
  readonly besideBefore: Carried;
  readonly beside: Carried;
  readonly worked: T;
}

/** 70 % of what the target carries, before the work and during it, with some of another model beside. */
export async function whileWorking<T>(
  subject: Subject,
  beside: Load,
  { short, seed, progress }: ScenarioOptions,
  work: () => Promise<T>,
): Promise<Reloaded<T>> {
  const load = rowsFor('target');
  const ratePerSecond = short ? LIGHT_PER_SECOND : Math.floor(SHARE * (await capacityOf(subject, load)));
  progress(`${ratePerSecond} requests a second`);
  const traffic: Traffic = { load, ratePerSecond, seed };
  const other: Traffic = { load: beside, ratePerSecond: LIGHT_PER_SECOND, seed: seed + 1 };
  const seconds = short ? 3 : 20;
  const [before, besideBefore] = await Promise.all([
    carry(subject, traffic, seconds),
    carry(subject, other, seconds),
  ]);
  let working: Promise<T> | undefined;
  const once = () => (working ??= work());
  const [during, besides] = await Promise.all([
    carryWhile(subject, traffic, once),
    carryWhile(subject, other, once),
  ]);
  return { before, during, besideBefore, beside: besides, worked: during.worked };
}

/** Of the loaded model, and of the one beside it, which is what most scenarios change. */
export const s5Rows = ({
  before,
  during,
  besideBefore,
  beside,
}: Omit<Reloaded<unknown>, 'worked'>): Row[] => [
  allRight('S5 errors', during.account),
  allRight('S5 errors of the model beside', beside.account),
  slower('S5 p99 during ÷ before', tail(during), tail(before), MAX_P99_RATIO),
  slower('S5 p99 of the model beside, during ÷ before', tail(beside), tail(besideBefore), MAX_P99_RATIO),
];

/** Rows of their own for `path`, each answered with itself plus one constant that is accepted. */
export function rowsPlus(model: string, accepts: (constant: number) => boolean): Load {
  const { requests } = rowsFor(model);
  return {
    requests,
    check: (reply, index) => {
      const first = (index % DIFFERENT) * WIDTH;
      const values = outputOf(reply).map(Number);
      const constant = (values[0] ?? Number.NaN) - first;
      if (values.length !== WIDTH || values.some((value, at) => value !== first + at + constant))
        throw new Error(`request ${index} was answered with rows that are not its own`);
      if (!accepts(constant)) throw new Error(`request ${index} was answered by content ${constant}`);
    },
  };
}
