/** YAML (or JSON) text as a layer of settings that knows each key's line. */
import { isScalar, isSeq, isMap as isYamlMap, LineCounter, type Node, parseDocument } from 'yaml';
import { ConfigError, type Problem } from './config-error.ts';
import { isMap, type Layer } from './layers.ts';
import { type OptionPath, pathText } from './option-path.ts';
import { foundText } from './option-schema.ts';

/** Far above any real configuration; parsing more would hold the event loop. */
const MAX_CONFIG_CHARACTERS = 256 * 1024;
/** A value may be named once and used again, but not so often that a small file becomes a large one. */
const MAX_ALIASES = 100;

/** Parses one document. Throws a ConfigError with every syntax error; `label` names the text in origins. */
export function yamlLayer(text: string, label: string): Layer {
  if (text.length > MAX_CONFIG_CHARACTERS) {
    throw new ConfigError([
      {
        origin: label,
        key: '',
        message: `expected at most ${MAX_CONFIG_CHARACTERS} characters, found ${text.length}`,
      },
    ]);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const origin = (offset: number): string => `${label}:${lines.linePos(offset).line}`;
  const problems: Problem[] = [...document.errors, ...document.warnings].map(error => ({
    origin: origin(error.pos[0]),
    key: '',
    message: error.message,
  }));
  if (problems.length > 0) throw new ConfigError(problems);
  const origins = new Map<string, string>();
  noteOrigins(document.contents, [], origins, origin);
  const value = plainValue(document, label) ?? undefined;
  if (value !== undefined && !isMap(value)) {
    const message = `expected a map of keys and values, found ${foundText(value)}`;
    throw new ConfigError([{ origin: `${label}:1`, key: '', message }]);
  }
  return { value, origins };
}

function plainValue(document: ReturnType<typeof parseDocument>, label: string): unknown {
  const refusal = (message: string) => new ConfigError([{ origin: label, key: '', message }]);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    throw refusal((error as Error).message);
  }
  // Whoever walks it would never come to its end.
  if (holdsItself(value, new Set())) throw refusal('expected no alias inside the value that it stands for');
  return value;
}

/** `above`: what the value is part of. */
function holdsItself(value: unknown, above: Set<unknown>): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (above.has(value)) return true;
  above.add(value);
  const found = Object.values(value).some(part => holdsItself(part, above));
  above.delete(value);
  return found;
}

function noteOrigins(
  node: Node | null,
  path: OptionPath,
  origins: Map<string, string>,
  origin: (offset: number) => string,
): void {
  if (isYamlMap(node)) {
    for (const { key, value } of node.items) {
      if (!isScalar(key) || key.range == null) continue;
      const below = [...path, String(key.value)];
      origins.set(pathText(below), origin(key.range[0]));
      noteOrigins(value as Node | null, below, origins, origin);
    }
  } else if (isSeq(node)) {
    node.items.forEach((item, i) => {
      const entry = item as Node;
      if (entry.range != null) origins.set(pathText([...path, i]), origin(entry.range[0]));
      noteOrigins(entry, [...path, i], origins, origin);
    });
  }
}
