/** Changes some keys of a YAML file and leaves everything else as it stands: comments, order, spaces, other keys. */
import { isDeepStrictEqual } from 'node:util';
import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  type Node,
  parseDocument,
  stringify,
} from 'yaml';
import { ConfigError } from './config-error.ts';

/**
 * The text with these top-level keys set. Lists and maps are written in one line. Throws a ConfigError when the text is
 * no map of keys and values, or one of them has an anchor; `label` names it.
 */
export function editYaml(text: string, label: string, changes: Readonly<Record<string, unknown>>): string {
  const wanted = parse(text, label);
  for (const [key, value] of Object.entries(changes)) setKey(wanted, label, key, value);
  const edited = splice(text, label, changes);
  if (edited !== undefined && isDeepStrictEqual(parse(edited, label).toJS(), wanted.toJS())) return edited;
  // Aliases, maps in braces: the library's own layout of the whole file is right where a splice is not.
  return wanted.toString({ lineWidth: 0 });
}

function parse(text: string, label: string): Document {
  const document = parseDocument(text, { stringKeys: true });
  const problems = document.errors.map(({ message }) => ({ origin: label, key: '', message }));
  if (problems.length > 0) throw new ConfigError(problems);
  if (document.contents === null || isMap(document.contents)) return document;
  throw new ConfigError([{ origin: label, key: '', message: 'expected a map of keys and values' }]);
}

function setKey(document: Document, label: string, key: string, value: unknown): void {
  const before = document.get(key, true) as Node | undefined;
  if ((isScalar(before) || isCollection(before)) && before.anchor !== undefined) {
    const message = `other keys may refer to its value, &${before.anchor}: write it there by hand`;
    throw new ConfigError([{ origin: label, key, message }]);
  }
  const node = document.createNode(value, { flow: true });
  if (before?.comment != null) node.comment = before.comment;
  document.set(key, node);
}

/** Changes only the characters that say these keys' values; undefined where they cannot be told from the rest. */
function splice(text: string, label: string, changes: Readonly<Record<string, unknown>>): string | undefined {
  let edited = text;
  for (const [key, value] of Object.entries(changes)) {
    const spliced = spliceKey(edited, parse(edited, label), key, flowText(value));
    if (spliced === undefined) return undefined;
    edited = spliced;
  }
  return edited;
}

function spliceKey(text: string, { contents }: Document, key: string, written: string): string | undefined {
  if (isMap(contents) && contents.flow === true) return undefined;
  const pair = isMap(contents)
    ? contents.items.find(item => isScalar(item.key) && item.key.value === key)
    : undefined;
  if (pair === undefined)
    return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${key}: ${written}\n`;
  const keyEnd = isScalar(pair.key) ? pair.key.range?.[1] : undefined;
  const node = pair.value as Node | null;
  if (keyEnd === undefined || node?.range == null || isAlias(node)) return undefined;
  const [from, to] = node.range;
  const isBlock = isCollection(node) && node.flow !== true;
  if (!isBlock)
    return `${text.slice(0, from)}${text[from - 1] === ':' ? ' ' : ''}${written}${text.slice(to)}`;
  // A block reaches to the end of its last line; a comment beside its key stays there.
  const comment = /#.*/.exec(text.slice(keyEnd, from))?.[0];
  return `${text.slice(0, keyEnd)}: ${written}${comment === undefined ? '' : ` ${comment}`}\n${text.slice(to)}`;
}

function flowText(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trimEnd();
}
