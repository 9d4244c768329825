/** Axes of plots: a scale from values to 0…1, with ticks that people count by. */
export interface Axis {
  /** 0 at the axis's beginning, 1 at its end. */
  readonly place: (value: number) => number;
  readonly ticks: readonly number[];
}

/** From 0 to a round number that all finite values fit below. */
export function linearAxis(values: readonly number[], wantedTicks = 5): Axis {
  const most = Math.max(0, ...values.filter(Number.isFinite)) || 1;
  const step = roundStep(most / wantedTicks);
  const count = Math.ceil(most / step - 1e-9);
  const end = count * step;
  return {
    place: value => value / end,
    ticks: Array.from({ length: count + 1 }, (_, i) => Number((i * step).toPrecision(12))),
  };
}

/** From and to a 1, 2 or 5 of some power of ten, around all positive finite values. */
export function logAxis(values: readonly number[]): Axis {
  const positive = values.filter(value => Number.isFinite(value) && value > 0);
  const [least, most] = positive.length === 0 ? [1, 10] : [Math.min(...positive), Math.max(...positive)];
  const all = decades(least, most);
  let from = all.findLastIndex(tick => tick <= least);
  let to = all.findIndex(tick => tick >= most);
  if (from === to) [from, to] = [Math.max(0, from - 1), to + 1];
  const ticks = all.slice(from, to + 1);
  const [start, end] = [Math.log(ticks[0] as number), Math.log(ticks.at(-1) as number)];
  return {
    place: value => (Math.log(value) - start) / (end - start),
    ticks: ticks.length > 8 ? ticks.filter(tick => /^1(e|0*$)|^0\.0*1$/.test(String(tick))) : ticks,
  };
}

/** 1200 as 1 200, 0.05 as it is: at most three digits where there is a fraction. */
export function tickText(value: number): string {
  const rounded = Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
  const [whole = '', fraction] = String(rounded).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, '\u2009');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** The 1, 2 or 5 of a power of ten that is not below `least`. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const digit = [1, 2, 5, 10].find(candidate => candidate * power >= least * (1 - 1e-9)) ?? 10;
  return digit * power;
}

function decades(least: number, most: number): number[] {
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(least)) - 1; power <= Math.ceil(Math.log10(most)) + 1; power++)
    for (const digit of [1, 2, 5]) ticks.push(Number(`${digit}e${power}`));
  return ticks;
}
