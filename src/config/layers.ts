/** One source of settings: a file, the environment, the command line. */
export interface Layer {
  readonly value: unknown;
  /** The path of every map, list and value this source says → where it says so. */
  readonly origins: ReadonlyMap<string, string>;
}

/** Lays later sources over earlier ones: maps merge key by key, lists and values replace. */
export function mergeLayers(layers: readonly Layer[]): Layer {
  const origins = new Map<string, string>();
  let value: unknown;
  for (const layer of layers) {
    if (layer.value === undefined) continue;
    value = value === undefined ? layer.value : merge(value, layer.value, '', origins);
    for (const [key, origin] of layer.origins) origins.set(key, origin);
  }
  return { value, origins };
}

function merge(under: unknown, over: unknown, path: string, origins: Map<string, string>): unknown {
  if (!isMap(under) || !isMap(over)) {
    forgetBelow(path, origins);
    return over;
  }
  const merged = new Map(Object.entries(under));
  for (const [key, value] of Object.entries(over)) {
    const below = path === '' ? key : `${path}.${key}`;
    merged.set(key, merged.has(key) ? merge(merged.get(key), value, below, origins) : value);
  }
  return Object.fromEntries(merged);
}

function forgetBelow(path: string, origins: Map<string, string>): void {
  for (const key of [...origins.keys()]) {
    if (key.startsWith(path) && (key[path.length] === '.' || key[path.length] === '[')) origins.delete(key);
  }
}

/** True of a plain map of keys, as a parser makes it. */
export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
