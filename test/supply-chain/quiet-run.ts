/** One life of a gateway with secrets, watched: idle, under load, asked wrongly, misconfigured, with its Redis astray. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { TempFolder } from '../../bench/support/temp-folder.ts';
import { freePort } from '../support/headgate.ts';
import { identity, writeRepository } from '../support/onnx.ts';
import { startRedis } from '../support/redis.ts';
import { type Asked, askEverything, misconfigure, SECRETS } from './provocations.ts';
import { type Said, secretsIn } from './secrets.ts';
import { socketsOf } from './sockets.ts';
import type { Calls } from './system-calls.ts';
import { WatchedProcess } from './watched-gateway.ts';

export interface QuietReport {
  /** Calls over a network to anything but the configured Redis. */
  readonly calls: readonly string[];
  /** Ports listened on that nobody declared. */
  readonly listeners: readonly number[];
  /** Places that hold a secret. */
  readonly secrets: readonly string[];
  /** Files written outside the folders given to it. */
  readonly written: readonly string[];
  /** Workers in which ONNX Runtime's telemetry is not off. */
  readonly telemetry: readonly string[];
  /** Answers and lines of log that were searched. */
  readonly searched: number;
  /** False: no system call was recorded, sockets were only looked at now and then. */
  readonly traced: boolean;
}

interface Watched extends Asked {
  readonly folder: string;
  readonly seenCalls: Set<string>;
  readonly seenListeners: Set<number>;
}

const LOOK_MS = 50;

/** `idleMs`: how long nothing is asked of it. */
export async function quietRun({ idleMs }: { readonly idleMs: number }): Promise<QuietReport> {
  await using folder = await TempFolder.create();
  await writeRepository(path.join(folder.path, 'models'), {
    fp32: { versions: { 1: identity() }, config: 'cache: { enabled: true }\n' },
  });
  const ports = { data: await freePort(), admin: await freePort(), redis: await freePort() };
  // Astray at first: it refuses the password that the gateway has.
  const astray = await startRedis({ port: ports.redis, password: 'another' });
  const watched = await start(folder.path, ports);
  const looking = setInterval(() => look(watched), LOOK_MS);
  try {
    await sleep(idleMs);
    await astray[Symbol.asyncDispose]();
    await using _redis = await startRedis({ port: ports.redis, password: SECRETS.redis });

    await askEverything(watched);

    await misconfigure(watched);
    look(watched);
  } finally {
    clearInterval(looking);
    const others = watched.gateway.seenByOthers();
    watched.said.push({ where: 'command lines', text: others.commands });
    watched.said.push({ where: "workers' environments", text: others.workersEnvironments });
    await watched.gateway.stop();
  }
  return reportOf(watched);
}

async function start(folder: string, ports: Watched['ports']): Promise<Watched> {
  const config = {
    repository: path.join(folder, 'models'),
    http: { host: '127.0.0.1', port: ports.data },
    admin: { host: '127.0.0.1', port: ports.admin, token: SECRETS.token, metricsWithoutToken: true },
    dataDir: path.join(folder, 'data'),
    cache: { redis: { url: `redis://127.0.0.1:${ports.redis}` } },
    log: { level: 'trace' },
  };
  const file = path.join(folder, 'headgate.yaml');
  await mkdir(path.join(folder, 'tmp'));
  await writeFile(file, stringify(config));
  const env = {
    ...process.env,
    TMPDIR: path.join(folder, 'tmp'),
    HEADGATE_CACHE_REDIS_PASSWORD: SECRETS.redis,
  };
  const gateway = new WatchedProcess(['src/main.ts', 'serve', '--config', file], folder, env);
  await gateway.printed(/fp32/);
  return {
    ...{ gateway, folder, file, config, ports },
    ...{ said: [], seenCalls: new Set<string>(), seenListeners: new Set<number>() },
  };
}

function look({ gateway, ports, seenCalls, seenListeners }: Watched): void {
  const { listening, remote } = socketsOf(gateway.pid);
  for (const port of listening) if (port !== ports.data && port !== ports.admin) seenListeners.add(port);
  for (const { remote: port } of remote) if (port !== ports.redis) seenCalls.add(`port ${port}`);
}

function reportOf(watched: Watched): QuietReport {
  const { gateway, folder, ports, said, seenCalls, seenListeners } = watched;
  const calls = gateway.calls();
  const all = [...said, { where: 'log', text: gateway.output }];
  return {
    calls: [...seenCalls, ...unexpected(calls?.called ?? [], [`127.0.0.1:${ports.redis}`])],
    listeners: [...seenListeners, ...portsOf(calls, ports)],
    secrets: secretsIn(all, Object.values(SECRETS)),
    written: writtenOutside(calls, folder),
    telemetry: telemetryOf(said),
    searched: said.length + gateway.output.split('\n').length,
    traced: calls !== undefined,
  };
}

function unexpected(called: readonly string[], allowed: readonly string[]): string[] {
  return [...new Set(called)].filter(address => !allowed.includes(address));
}

/** A port that is bound is listened on, or is that of a datagram: neither is declared but for two. */
function portsOf(calls: Calls | undefined, { data, admin }: Watched['ports']): number[] {
  const ports = (calls?.bound ?? []).map(address => Number(address.slice(address.lastIndexOf(':') + 1)));
  return ports.filter(port => port !== data && port !== admin);
}

const DEVICES = /^\/(dev|proc|sys)\//;

function writtenOutside(calls: Calls | undefined, folder: string): string[] {
  const files = calls?.written.filter(file => file.startsWith('/') && !file.startsWith(folder)) ?? [];
  return [...new Set(files)].filter(file => !DEVICES.test(file));
}

/** Under both of its names, in every process below the gateway. */
function telemetryOf(said: readonly Said[]): string[] {
  const environments = said
    .filter(({ where }) => where === "workers' environments")
    .flatMap(({ text }) => text.split('\n'))
    .filter(text => text !== '');
  if (environments.length === 0) return ['no worker was seen'];
  return environments.flatMap((text, i) => {
    const isOff = text.includes('ORT_DISABLE_TELEMETRY=1') && text.includes('ORT_TELEMETRY_DISABLED=1');
    return isOff ? [] : [`process ${i + 1}`];
  });
}
