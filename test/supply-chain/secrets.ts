/** Texts that must not be found anywhere, and where they were. Pure. */

export interface Said {
  /** Where it stood: `log`, `GET /metrics`. */
  readonly where: string;
  readonly text: string;
}

/** One line for each place that holds a secret as it is, or as text is commonly written elsewhere. */
export function secretsIn(said: readonly Said[], secrets: readonly string[]): string[] {
  return secrets.flatMap(secret => {
    const forms = formsOf(secret);
    return said
      .filter(({ text }) => forms.some(form => text.includes(form)))
      .map(({ where, text }) => `${where}: ${surroundings(text, forms)}`);
  });
}

function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const base64 = [0, 1, 2].map(shift => {
    const shifted = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    // Its ends depend on what stands beside it.
    return shifted.slice(shift === 0 ? 0 : 4, -4);
  });
  return [secret, encodeURIComponent(secret), bytes.toString('hex'), ...base64];
}

function surroundings(text: string, forms: readonly string[]): string {
  const at = Math.max(...forms.map(form => text.indexOf(form)));
  return JSON.stringify(text.slice(Math.max(0, at - 60), at + 60));
}
