/** Where an option stands in a configuration, outermost key first; a number is a place in a list. */
export type OptionPath = readonly (string | number)[];

/** `['instances', 0, 'count']` → `instances[0].count`. */
export function pathText(path: OptionPath): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else text += text === '' ? part : `.${part}`;
  }
  return text;
}

/** `http.maxBodyBytes` → `HEADGATE_HTTP_MAX_BODY_BYTES`. */
export function envName(path: OptionPath): string {
  const words = path.map(part =>
    String(part)
      .replace(/[A-Z]/g, capital => `_${capital}`)
      .toUpperCase(),
  );
  return `HEADGATE_${words.join('_')}`;
}
