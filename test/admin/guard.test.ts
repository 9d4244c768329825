import assert from 'node:assert/strict';
import test from 'node:test';
import { type AccessPolicy, type Knock, refusalOf } from '../../src/admin/guard.ts';
import { createTokenCheck } from '../../src/admin/token.ts';

const LOCAL: AccessPolicy = { public: false, allowedHosts: new Set(['gate.example']), checkToken: undefined };
const PUBLIC: AccessPolicy = {
  ...LOCAL,
  public: true,
  checkToken: createTokenCheck('a-token-of-some-length'),
};

function knock(over: Partial<Knock> = {}): Knock {
  return {
    method: 'GET',
    target: '/',
    hosts: ['127.0.0.1:8002'],
    origin: undefined,
    fetchSite: undefined,
    fetchMode: undefined,
    authorization: undefined,
    contentType: undefined,
    open: false,
    ...over,
  };
}

const HOSTS: readonly [hosts: readonly string[], local: number | undefined, why: string][] = [
  [['127.0.0.1:8002'], undefined, 'loopback'],
  [['127.8.9.1'], undefined, 'all of 127/8'],
  [['localhost:8002'], undefined, 'the loopback name'],
  [['LOCALHOST'], undefined, 'in any case'],
  [['[::1]:8002'], undefined, 'IPv6 loopback'],
  [['[::ffff:127.0.0.1]:8002'], undefined, 'IPv4 in IPv6'],
  [['gate.example'], undefined, 'an allowed name'],
  [['Gate.Example:443'], undefined, 'an allowed name, any case and port'],
  [[], 403, 'no Host at all'],
  [[''], 403, 'an empty one'],
  [['evil.example'], 403, 'a rebound name'],
  [['127.0.0.1.evil.example'], 403, 'a name that begins like an address'],
  [['localhost.evil.example'], 403, 'a name that begins like ours'],
  [['evil-localhost'], 403, 'a name that ends like ours'],
  [['localhost.'], 403, 'a rooted name'],
  [['127.1'], 403, 'a short address'],
  [['2130706433'], 403, 'an address as one number'],
  [['0x7f.0.0.1'], 403, 'a hexadecimal address'],
  [['0.0.0.0:8002'], 403, 'the wildcard'],
  [['192.168.1.5'], 403, 'another address'],
  [['sub.gate.example'], 403, "an allowed name's child"],
  [['evil.example@127.0.0.1'], 403, 'user information'],
  [['127.0.0.1:8002, evil.example'], 403, 'a list'],
  [['127.0.0.1 evil'], 403, 'a space'],
  [['127.0.0.1', 'evil.example'], 400, 'two Hosts'],
];

for (const [hosts, status, why] of HOSTS)
  test(`Host ${JSON.stringify(hosts)}: ${status ?? 'let in'} (${why})`, () => {
    assert.equal(refusalOf(knock({ hosts }), LOCAL)?.status, status);
  });

test('a plane that listens beyond loopback takes any address as Host, and no other name', () => {
  const status = (host: string) => refusalOf(knock({ hosts: [host], open: true }), PUBLIC)?.status;
  assert.equal(status('10.1.2.3:8002'), undefined);
  assert.equal(status('[fd00::1]:8002'), undefined);
  assert.equal(status('evil.example'), 403);
});

test('a whole URL as target must name an allowed host, like the header', () => {
  const status = (target: string) => refusalOf(knock({ target }), LOCAL)?.status;
  assert.equal(status('http://localhost:8002/metrics'), undefined);
  assert.equal(status('http://evil.example/metrics'), 403);
  assert.equal(status('HTTP://EVIL.example/metrics'), 403);
  assert.equal(status('http://localhost@evil.example/metrics'), 403);
  assert.equal(status('http:///metrics'), 403);
});

const ORIGINS: readonly [origin: string, host: string, status: number | undefined][] = [
  ['http://127.0.0.1:8002', '127.0.0.1:8002', undefined],
  ['HTTP://LocalHost:8002', 'localhost:8002', undefined],
  ['https://gate.example', 'gate.example', undefined],
  ['http://gate.example', 'gate.example', undefined],
  ['null', '127.0.0.1:8002', 403],
  ['', '127.0.0.1:8002', 403],
  ['http://evil.example', '127.0.0.1:8002', 403],
  ['http://127.0.0.1:3000', '127.0.0.1:8002', 403],
  ['http://127.0.0.1', '127.0.0.1:8002', 403],
  ['http://localhost:8002', '127.0.0.1:8002', 403],
  ['https://127.0.0.1:8002', '127.0.0.1:8002', 403],
  ['http://127.0.0.1:8002.evil.example', '127.0.0.1:8002', 403],
  ['http://127.0.0.1:8002/', '127.0.0.1:8002', 403],
  ['http://127.0.0.1:8002, http://evil.example', '127.0.0.1:8002', 403],
  ['chrome-extension://abcdef', '127.0.0.1:8002', 403],
  ['file://', '127.0.0.1:8002', 403],
];

for (const [origin, host, status] of ORIGINS)
  test(`Origin ${JSON.stringify(origin)} at ${host}, whatever the method: ${status ?? 'let in'}`, () => {
    for (const method of ['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS'])
      assert.equal(refusalOf(knock({ method, origin, hosts: [host] }), LOCAL)?.status, status, method);
  });

test("what another site's page starts is refused, but for a followed link", () => {
  const status = (over: Partial<Knock>) => refusalOf(knock(over), LOCAL)?.status;
  for (const fetchSite of ['cross-site', 'same-site']) {
    assert.equal(status({ fetchSite, fetchMode: 'no-cors' }), 403);
    assert.equal(status({ fetchSite, fetchMode: 'cors' }), 403);
    assert.equal(status({ fetchSite, fetchMode: 'navigate' }), undefined);
    assert.equal(status({ fetchSite, fetchMode: 'navigate', method: 'POST' }), 403);
  }
  assert.equal(status({ fetchSite: 'same-origin', fetchMode: 'cors' }), undefined);
  assert.equal(status({ fetchSite: 'none', fetchMode: 'navigate' }), undefined);
});

test('an open route is read without the token, and still not by a foreign page', () => {
  assert.equal(refusalOf(knock({ open: true }), PUBLIC), undefined);
  assert.equal(refusalOf(knock({ open: true, origin: 'http://evil.example' }), PUBLIC)?.status, 403);
  assert.equal(refusalOf(knock(), PUBLIC)?.status, 401);
});

const CONTENT_TYPES: readonly [string | undefined, number | undefined][] = [
  [undefined, undefined],
  ['application/json', undefined],
  ['Application/JSON ; charset=utf-8', undefined],
  ['application/octet-stream', undefined],
  ['text/plain', 415],
  ['text/plain;application/json', 415],
  ['application/json\ttext/plain', 415],
  ['application/json, text/plain', 415],
  ['application/x-www-form-urlencoded', 415],
  ['multipart/form-data; boundary=x', 415],
  ['application/jsonx', 415],
];

for (const [contentType, status] of CONTENT_TYPES)
  test(`a POST of ${JSON.stringify(contentType)}: ${status ?? 'let in'}`, () => {
    assert.equal(refusalOf(knock({ method: 'POST', contentType }), LOCAL)?.status, status);
  });

test('the token is looked at before the content type: a stranger learns nothing more', () => {
  const stranger = knock({ method: 'POST', contentType: 'text/plain' });
  assert.equal(refusalOf(stranger, PUBLIC)?.status, 401);
  const authorization = 'Bearer a-token-of-some-length';
  assert.equal(refusalOf({ ...stranger, authorization }, PUBLIC)?.status, 415);
});
