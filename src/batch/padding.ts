/** Rows to add so that a batch has an allowed size; 0 where none is large enough. `allowed` ascends. */
export function paddingFor(rows: number, allowed: readonly number[]): number {
  for (const size of allowed) {
    if (size >= rows) return size - rows;
  }
  return 0;
}
