/** What a run whose numbers are not to be quoted leaves out. */
import type { Bench } from './row.ts';

export const isQuick = ({ scale }: Bench): boolean => scale < 1;

/** All of them; of a quick run the first. */
export function subjectsOf<Subject>(bench: Bench, subjects: readonly Subject[]): readonly Subject[] {
  return isQuick(bench) ? subjects.slice(0, 1) : subjects;
}
