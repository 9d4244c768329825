/** Numbers as people read them. */

/** 0.35 ms, 12.3 ms, 1 250 ms; – where there is none. */
export function ms(value: number): string {
  return Number.isFinite(value) ? `${threeDigits(value)} ms` : '–';
}

export const perSecond = (value: number): string => threeDigits(value);

export function percent(share: number): string {
  return share > 0 && share < 0.001 ? '<0.1 %' : `${(share * 100).toFixed(1)} %`;
}

/** Two decimals below 10, one below 100, else whole. */
function threeDigits(value: number): string {
  return value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}
