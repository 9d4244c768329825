/** The numbers of four decimals that a sample row was made from: JSON carries these, and both read as the same float32. */
export function decimals(row: Float32Array): number[] {
  return Array.from(row, value => Math.round(value * 1e4) / 1e4);
}
