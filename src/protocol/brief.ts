/** A caller's name as an error shows it: bounded. */
export function brief(name: string): string {
  return name.length <= 64 ? name : `${name.slice(0, 64)}…`;
}
