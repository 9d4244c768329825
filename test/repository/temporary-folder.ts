import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';

/** A folder of files that goes when the test ends. */
export class TemporaryFolder {
  readonly root: string;

  constructor(t: TestContext) {
    this.root = path.join(mkdtempSync(path.join(os.tmpdir(), 'headgate-')), 'models');
    mkdirSync(this.root);
    t.after(() => rmSync(path.dirname(this.root), { recursive: true, force: true }));
  }

  /** Writes a file that looks finished: last touched a minute ago, or when told. */
  write(name: string, content: string | Uint8Array, modifiedMs = Date.now() - 60_000): string {
    const file = this.writeNow(name, content);
    utimesSync(file, modifiedMs / 1000, modifiedMs / 1000);
    return file;
  }

  /** Writes a file that looks as if it were still being written. */
  writeNow(name: string, content: string | Uint8Array): string {
    const file = path.join(this.root, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
    return file;
  }

  remove(name: string): void {
    rmSync(path.join(this.root, name), { recursive: true });
  }
}
