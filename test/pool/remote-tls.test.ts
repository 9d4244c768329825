import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import test, { type TestContext } from 'node:test';
import type { RemoteTls } from '../../src/pool/remote-spec.ts';
import { tlsAdvice } from '../../src/pool/tls-advice.ts';
import { Authority, pem } from '../support/certificates.ts';
import { startOipServer } from '../support/oip-server.ts';
import { failsWith, remoteSpec } from './remote-spec.ts';
import { nextChange, runRow, startPool } from './running-pool.ts';

const HERE = 'IP:127.0.0.1';

/** Whether one remote is used beside one that certainly is, so that the version is loaded; '': it is. */
async function refusalOf(t: TestContext, url: string, tls: RemoteTls | undefined): Promise<string> {
  const sure = await startOipServer(t);
  const { pool } = await startPool(t);
  const unit = await pool.load(
    remoteSpec([
      { url: sure.url, concurrency: 1 },
      { url, concurrency: 1, tls },
    ]),
  );
  const detail = pool.remotes()[1]?.detail ?? 'not there';
  await unit.unload();
  return detail;
}

test('a certificate is verified: of an authority that is named, for the host of the url, not expired', async t => {
  const [authority, stranger] = [new Authority(t), new Authority(t)];
  const cases: readonly [name: string, days: number, tls: RemoteTls, refusal: RegExp][] = [
    [HERE, 1, { ca: authority.file }, /^$/],
    [
      HERE,
      1,
      {},
      /^(UNABLE_TO_VERIFY|SELF_SIGNED)\w+: its certificate is of an authority that is not trusted/,
    ],
    [HERE, 1, { ca: stranger.file }, /^UNABLE_TO_\w+: .*set tls\.ca/],
    [HERE, -1, { ca: authority.file }, /^CERT_HAS_EXPIRED: its certificate has expired/],
    ['IP:127.0.0.2', 1, { ca: authority.file }, /^ERR_TLS_CERT_ALTNAME_INVALID: .*set tls\.serverName/],
    ['DNS:gpu-1', 1, { ca: authority.file, serverName: 'gpu-1' }, /^$/],
    ['DNS:gpu-1', 1, { ca: authority.file, serverName: 'gpu-2' }, /^ERR_TLS_CERT_ALTNAME_INVALID/],
  ];
  for (const [name, days, tls, refusal] of cases) {
    const server = await startOipServer(t, pem(authority.certify(name, days)));
    assert.match(await refusalOf(t, server.url, tls), refusal, `${name} for ${days} days`);
  }
});

test('a server that wants a certificate is shown ours; without one, or with another’s, it is not used', async t => {
  const [authority, stranger] = [new Authority(t), new Authority(t)];
  const wantsOne = { requestCert: true, rejectUnauthorized: true, ca: readFileSync(authority.file) };
  const server = await startOipServer(t, { ...pem(authority.certify(HERE)), ...wantsOne });
  const ca = authority.file;
  assert.equal(await refusalOf(t, server.url, { ca, ...authority.certify('DNS:client') }), '');
  assert.match(
    await refusalOf(t, server.url, { ca }),
    /: .*wants a certificate from us: set tls\.cert and tls\.key$/,
  );
  const other = await refusalOf(t, server.url, { ca, ...stranger.certify('DNS:client') });
  assert.match(other, /does not accept the certificate of tls\.cert/);
  const late = await refusalOf(t, server.url, { ca, ...authority.certify('DNS:client', -1) });
  assert.match(late, /does not accept the certificate of tls\.cert/);
});

test('a remote whose certificate expires is out of service with what to do, and back with a new one', async t => {
  const authority = new Authority(t);
  const server = await startOipServer(t, pem(authority.certify(HERE)));
  const { pool, events } = await startPool(t, { lookEveryMs: 50 });
  const unit = await pool.load(
    remoteSpec([{ url: server.url, concurrency: 1, tls: { ca: authority.file } }]),
  );
  const shut = nextChange(events, ({ detail }) => detail.startsWith('CERT_HAS_EXPIRED: '));
  const back = nextChange(events, ({ state }) => state === 'ready');
  await server.stop();
  server.renew(pem(authority.certify(HERE, -1)));
  await server.resume();
  await shut;
  assert.equal(unit.executor.outage?.code, 'unavailable');
  server.renew(pem(authority.certify(HERE)));
  await back;
  assert.deepEqual(await runRow(unit.executor, 1, 2, 3, 4), [2, 4, 6, 8]);
  await unit.unload();
});

test('files that cannot serve are refused at once, by the name of the setting', async t => {
  const [authority, stranger] = [new Authority(t), new Authority(t)];
  const [own, other] = [authority.certify(HERE), stranger.certify(HERE)];
  const noPem = `${authority.file}.txt`;
  writeFileSync(noPem, 'hello');
  const { pool } = await startPool(t);
  const cases: readonly [tls: RemoteTls, message: RegExp][] = [
    [{ ca: '/nowhere/ca.pem' }, /tls\.ca: expected a file that can be read/],
    [{ cert: own.cert }, /expected both cert and key, or neither/],
    [{ cert: own.cert, key: other.key }, /the key of the certificate/],
    [{ cert: noPem, key: own.key }, /expected PEM files/],
  ];
  for (const [tls, message] of cases) {
    const spec = remoteSpec([{ url: 'https://127.0.0.1:1', concurrency: 1, tls }]);
    await assert.rejects(pool.load(spec), failsWith('invalid', message));
  }
});

test('there is advice for what TLS says, and none for the rest', () => {
  assert.match(tlsAdvice('DEPTH_ZERO_SELF_SIGNED_CERT') ?? '', /tls\.ca/);
  assert.match(tlsAdvice('ERR_SSL_WRONG_VERSION_NUMBER') ?? '', /http url/);
  assert.match(tlsAdvice('ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE') ?? '', /tls\.cert/);
  assert.match(tlsAdvice('ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED') ?? '', /does not accept/);
  assert.match(
    tlsAdvice('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED') ?? '',
    /^it wants a certificate from us/,
  );
  for (const code of ['ECONNREFUSED', 'ECONNRESET', '']) assert.equal(tlsAdvice(code), undefined);
});
