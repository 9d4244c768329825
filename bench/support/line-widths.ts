/** Widths of real lines of text, for a recogniser that takes pictures of them, 48 pixels high. */
import { readFileSync } from 'node:fs';

/**
 * Advance widths of Helvetica, 1/1000 of the type size, for the characters from space to `~` (Adobe's Core 14 metrics).
 */
const ADVANCES = [
  278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
  556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278,
  500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469,
  556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500,
  278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
] as const;
/** Of a line's picture, from the top of its tallest letter to the bottom of its lowest, and a little around. */
const LINE_HEIGHT = 1160;
const PICTURE_HEIGHT = 48;
const MOST_CHARACTERS = 80;

interface PackageJson {
  readonly name: string;
  readonly description?: string;
  readonly keywords?: readonly string[];
}

/** Names, keywords and descriptions of the packages Headgate uses, broken into lines of at most 80 characters. */
export function realLines(): string[] {
  const own = readPackage(new URL('../../package.json', import.meta.url)) as PackageJson & {
    readonly dependencies: Readonly<Record<string, string>>;
    readonly devDependencies: Readonly<Record<string, string>>;
  };
  const names = Object.keys({ ...own.dependencies, ...own.devDependencies }).sort();
  return names.flatMap(name => {
    const { keywords = [], description = '' } = readPackage(
      new URL(`../../node_modules/${name}/package.json`, import.meta.url),
    );
    return [name, ...keywords, ...broken(description)];
  });
}

/** Pixels of the line's picture, at least 16. */
export function widthOf(line: string): number {
  let advance = 0;
  for (const character of line) advance += ADVANCES[character.charCodeAt(0) - 32] ?? 556;
  return Math.max(16, Math.round((advance / LINE_HEIGHT) * PICTURE_HEIGHT));
}

function readPackage(file: URL): PackageJson {
  return JSON.parse(readFileSync(file, 'utf8')) as PackageJson;
}

function broken(text: string): string[] {
  return text.match(new RegExp(`\\S.{0,${MOST_CHARACTERS - 1}}(?=\\s|$)`, 'g')) ?? [];
}
