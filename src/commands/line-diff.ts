/** What changed in a small text, line by line, for a person. */

/** Lines of one text and the other, removed ones with `-`, added ones with `+`, a little of what is between them. */
export function lineDiff(before: string, after: string): string {
  const [old, now] = [linesOf(before), linesOf(after)];
  const common = commonLengths(old, now);
  const lines: string[] = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      lines.push(`  ${old[i]}`);
      [i, j] = [i + 1, j + 1];
    } else if (j === now.length || (i < old.length && at(common, i + 1, j) >= at(common, i, j + 1))) {
      lines.push(`- ${old[i++]}`);
    } else {
      lines.push(`+ ${now[j++]}`);
    }
  }
  return near(lines)
    .map(line => `${line}\n`)
    .join('');
}

const CONTEXT = 2;

/** Changed lines and those beside them. */
function near(lines: readonly string[]): string[] {
  const isNear = (at: number): boolean =>
    lines.slice(Math.max(0, at - CONTEXT), at + CONTEXT + 1).some(line => !line.startsWith('  '));
  return lines.filter((_, at) => isNear(at));
}

/** Length of the longest common subsequence of what follows each pair of lines. */
function commonLengths(old: readonly string[], now: readonly string[]): readonly (readonly number[])[] {
  const common = Array.from({ length: old.length + 1 }, () => new Array<number>(now.length + 1).fill(0));
  for (let i = old.length - 1; i >= 0; i--) {
    const row = common[i] as number[];
    for (let j = now.length - 1; j >= 0; j--) {
      row[j] =
        old[i] === now[j]
          ? at(common, i + 1, j + 1) + 1
          : Math.max(at(common, i + 1, j), at(common, i, j + 1));
    }
  }
  return common;
}

const at = (table: readonly (readonly number[])[], i: number, j: number): number => table[i]?.[j] ?? 0;
const linesOf = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));
