/** Certificates of a test's own authorities, made with openssl, gone after the test. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';

/** PEM files. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

export class Authority {
  /** Its own certificate's file. */
  readonly file: string;
  readonly #folder: string;
  #made = 0;

  constructor(t: TestContext) {
    this.#folder = mkdtempSync(path.join(tmpdir(), 'headgate-tls-'));
    t.after(() => rmSync(this.#folder, { recursive: true, force: true }));
    this.file = path.join(this.#folder, 'ca.pem');
    this.#openssl(
      'req',
      '-x509',
      ...EC,
      '-keyout',
      'ca.key',
      '-out',
      'ca.pem',
      '-subj',
      '/CN=test authority',
    );
  }

  /** For one `subjectAltName`, as `IP:127.0.0.1`; −1 days: expired yesterday. */
  certify(name: string, days = 1): Certificate {
    const own = `own${this.#made++}`;
    const [key, request, cert] = [`${own}.key`, `${own}.csr`, `${own}.pem`];
    this.#openssl('req', ...EC, '-keyout', key, '-out', request, '-subj', '/CN=test');
    writeFileSync(path.join(this.#folder, 'ext'), `subjectAltName=${name}\n`);
    const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'ext'];
    this.#openssl('x509', '-req', '-in', request, ...signing, '-days', String(days), '-out', cert);
    return { cert: path.join(this.#folder, cert), key: path.join(this.#folder, key) };
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.#folder, stdio: 'pipe' });
  }
}

export const pem = ({ cert, key }: Certificate) => ({ cert: readFileSync(cert), key: readFileSync(key) });
