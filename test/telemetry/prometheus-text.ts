/** A strict reader of Prometheus' text format: every line is a comment it knows or a sample it can place. */
import assert from 'node:assert/strict';

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const SAMPLE = /^([a-z_]+)(?:\{(.*)\})? (-?[0-9.e+-]+|\+Inf|NaN)$/;
const LABEL = /([a-z_]+)="((?:[^"\\]|\\\\|\\"|\\n)*)"(?:,|$)/gy;

export function readPrometheus(text: string): Sample[] {
  assert.ok(text.endsWith('\n'));
  const types = new Map<string, string>();
  const samples: Sample[] = [];
  for (const line of text.slice(0, -1).split('\n')) {
    const type = /^# TYPE ([a-z_]+) (counter|gauge|histogram)$/.exec(line);
    if (type !== null) {
      assert.ok(!types.has(type[1] as string), `${type[1]} is declared twice`);
      types.set(type[1] as string, type[2] as string);
    } else if (!/^# HELP [a-z_]+ .+$/.test(line)) samples.push(readSample(line, types));
  }
  return samples;
}

function readSample(line: string, types: ReadonlyMap<string, string>): Sample {
  const [, name = '', labelText = '', value = ''] = SAMPLE.exec(line) ?? assert.fail(`not a sample: ${line}`);
  const family = name.replace(/_(bucket|sum|count)$/, '');
  assert.ok(types.has(name) || types.get(family) === 'histogram', `${name} has no type before it`);
  const labels: Record<string, string> = {};
  let end = 0;
  for (const match of labelText.matchAll(LABEL)) {
    labels[match[1] as string] = (match[2] as string).replace(/\\(.)/g, (_, c) => (c === 'n' ? '\n' : c));
    end = match.index + match[0].length;
  }
  assert.equal(end, labelText.length, `labels end early: ${line}`);
  return { name, labels, value: Number(value) };
}
