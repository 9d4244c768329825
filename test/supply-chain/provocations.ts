/** Everything that could make a gateway tell a secret: right and wrong requests to both planes, wrong configuration. */
import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { MALFORMED } from '../http/malformed.ts';
import { sendRaw } from '../http/raw-client.ts';
import type { Said } from './secrets.ts';
import type { WatchedProcess } from './watched-gateway.ts';

export const SECRETS = {
  token: 'canary-admin-token-5d0c2f',
  redis: 'canary-redis-password-91ab',
  inUrl: 'canary-password-in-an-address',
  tooShort: 'canary-short',
} as const;

/** A running gateway, and what it has said so far. */
export interface Asked {
  readonly gateway: WatchedProcess;
  readonly file: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly ports: { readonly data: number; readonly admin: number; readonly redis: number };
  readonly said: Said[];
}

const ADMIN_PATHS = [
  ...[
    '/',
    '/metrics',
    '/v1/config',
    '/v1/models',
    '/v1/workers',
    '/v1/learned',
    '/v1/openapi.json',
    '/v1/nope',
  ],
  ...['/v2/health/ready', '/v2/models/stats'],
];
const DATA_PATHS = [
  ...[
    '/v2',
    '/v2/models/fp32',
    '/v2/models/fp32/config',
    '/v2/models/fp32/stats',
    '/v2/models/nope',
    '/nope',
  ],
  ...['/v2/health/ready', '/metrics', '/v1/config'],
];
const GOOD_BODY = JSON.stringify({
  inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] }],
});

export async function askEverything({ ports, said }: Asked): Promise<void> {
  const admin = `http://127.0.0.1:${ports.admin}`;
  const data = `http://127.0.0.1:${ports.data}`;
  const authorization = { authorization: `Bearer ${SECRETS.token}` };
  for (const at of ADMIN_PATHS) {
    await ask(said, admin, at, { headers: authorization });
    await ask(said, admin, at, {});
    await ask(said, admin, at, { headers: { authorization: `Bearer ${SECRETS.token}x` }, method: 'POST' });
  }
  for (const at of DATA_PATHS) await ask(said, data, at, { headers: authorization });
  for (let i = 0; i < 100; i++) {
    const body = GOOD_BODY.replace('[1,2,3,4]', `[${i % 50},2,3,4]`);
    await ask(said, data, '/v2/models/fp32/infer', { method: 'POST', body, headers: authorization });
  }
  await askWrongly(ports.data, said);
}

async function ask(said: Said[], base: string, at: string, init: RequestInit): Promise<void> {
  const answer = await fetch(`${base}${at}`, init);
  const headers = JSON.stringify([...answer.headers]);
  said.push({
    where: `${init.method ?? 'GET'} ${at} ${answer.status}`,
    text: `${headers}\n${await answer.text()}`,
  });
}

async function askWrongly(port: number, said: Said[]): Promise<void> {
  const target = { model: 'fp32', goodBody: GOOD_BODY, maxBodyBytes: 4096, maxInflatedBytes: 4096 };
  const quick = MALFORMED.filter(
    ({ slow, name }) => slow !== true && !/bomb|above the limit|chunks of/.test(name),
  );
  for (const { name, send, head = false } of quick) {
    const bye = `GET /v2 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${SECRETS.token}\r\nConnection: close\r\n\r\n`;
    const { responses } = await sendRaw(port, [...send(target), bye], { head });
    for (const { body, headers } of responses) {
      said.push({ where: name, text: `${JSON.stringify([...headers])}\n${body}` });
    }
  }
}

/** Files that are refused say why in the log: with what was found, but for secrets. */
export async function misconfigure({ gateway, file, config }: Asked): Promise<void> {
  const admin = config['admin'] as object;
  const broken = [
    stringify({ ...config, admin: { ...admin, token: SECRETS.tooShort } }),
    stringify({ ...config, admin: { ...admin, token: [SECRETS.tooShort, 1] } }),
    stringify({ ...config, cache: { redis: { url: `redis://user:${SECRETS.inUrl}@127.0.0.1` } } }),
    `${stringify(config)}\nadmin: { token: ${SECRETS.token}\n  password: "${SECRETS.redis}\n`,
    stringify({ ...config, nonsense: 'the last one' }),
  ];
  for (const text of broken) {
    const before = refusalsIn(gateway.output);
    await writeFile(file, text);
    while (refusalsIn(gateway.output) === before) await sleep(20);
  }
}

function refusalsIn(output: string): number {
  return output.split('refused').length;
}
