/** The process of `serve` and `worker`: ports, log, signals, and the order of starting and leaving. */
import { type AdminPlane, createAdminPlane } from '../admin/plane.ts';
import {
  type GatewaySources,
  keysNeedingRestart,
  type LoadedGatewayConfig,
  loadGatewayConfig,
} from '../config/gateway-config.ts';
import type { GatewayConfig } from '../config/gateway-options.ts';
import type { FileWatch } from '../config/watch-file.ts';
import { watchGatewayConfig } from '../config/watch-gateway-config.ts';
import { createEvents, type Events } from '../events.ts';
import { Gateway } from '../gateway.ts';
import { createDataPlane, type DataPlane } from '../http/data-plane.ts';
import type { DataPlaneOptions } from '../http/options.ts';
import { createLog, type Log } from '../telemetry/log.ts';
import { logEvents } from '../telemetry/log-events.ts';
import { VERSION } from '../version.ts';
import { listenOrExplain, urlOf } from './listen.ts';
import { whatIsServed } from './what-is-served.ts';

/** As deep as the protocol's other servers read. */
const MAX_JSON_DEPTH = 100;

export interface RunOptions {
  readonly role: 'gateway' | 'worker';
}

/** Resolves with the exit code once it was told to stop and has left. Rejects when it cannot start. */
export async function runGateway(sources: GatewaySources, { role }: RunOptions): Promise<number> {
  const loaded = loadGatewayConfig(sources);
  const { config } = loaded;
  const events = createEvents();
  const log = createLog({ level: config.log.level, dropped: () => events.emit('log:dropped') });
  const stopLogging = logEvents(events, log.logger);
  const pool = {
    cores: config.workers.cpuCores,
    leavesCoreToGateway: true,
    niceness: config.workers.nice,
    spares: config.workers.spares,
    maxMemoryBytes: config.workers.maxMemoryBytes,
    log: (worker: string, line: string) => log.logger.warn({ worker }, line),
  };
  const gateway = new Gateway(loaded, { joinsRequests: role === 'gateway', pool }, events);
  const live = { config };
  const data = createDataPlane(gateway, dataPlaneOptions(live), events);
  const admin = createAdminPlane(gateway.operators, { ...config.admin, buildVersion: VERSION }, error =>
    log.logger.error({ err: error }, 'admin plane'),
  );
  const running = { config, log, gateway, data, admin };
  const watch = followConfig(sources, events, changed => {
    const waiting = keysNeedingRestart(config, changed.config);
    if (waiting.length > 0) log.logger.warn({ keys: waiting }, 'changed, in force after a restart');
    live.config = changed.config;
    log.logger.level = changed.config.log.level;
    gateway.reconfigure(changed);
  });
  try {
    const told = firstSignal();
    await Promise.race([start(running), told]);
    const signal = await told;
    log.logger.info({ signal }, 'leaving: finishing what was accepted');
    let isHurried = false;
    const second = firstSignal().then(again => {
      isHurried = true;
      return leaveAtOnce(running, again);
    });
    // Whoever was waiting hears that its worker is gone, and that may end the drain first: it was lost all the same.
    const left = leave(running, config.timeouts.drainMs).then(() => (isHurried ? 1 : 0));
    return await Promise.race([left, second]);
  } catch (error) {
    await leave(running, 0);
    throw error;
  } finally {
    await watch?.close();
    stopLogging();
    await log.close();
  }
}

interface Running {
  readonly config: GatewayConfig;
  readonly log: Log;
  readonly gateway: Gateway;
  readonly data: DataPlane;
  readonly admin: AdminPlane;
}

/** Listens first, so that probes are answered while models load. */
async function start({ config, gateway, data, admin }: Running): Promise<void> {
  const dataUrl = urlOf(await listenOrExplain('http', config.http, () => data.listen(config.http)));
  const adminUrl = await listenOrExplain('admin', config.admin, () => admin.listen());
  process.stdout.write(
    `Headgate ${VERSION} on ${dataUrl}, admin on ${adminUrl}; loading ${config.repository}\n`,
  );
  await gateway.start();
  process.stdout.write(whatIsServed(gateway.operators.models(), dataUrl, config.repository));
}

/** Ready turns 503 at once; what was accepted is answered; then connections, workers and the admin plane end. */
async function leave({ gateway, data, admin }: Running, graceMs: number): Promise<void> {
  await data.close({ graceMs });
  await gateway.close();
  await admin.close();
}

function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise(resolve => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
}

/** Ends the process itself: a client in the middle of its body would keep it alive until the drain is over. */
async function leaveAtOnce({ log, gateway }: Running, signal: NodeJS.Signals): Promise<never> {
  log.logger.warn({ signal }, 'leaving at once: what was accepted is lost');
  await gateway.abandon();
  log.close();
  process.exit(1);
}

/** Follows the configuration file, when there is one. */
function followConfig(
  sources: GatewaySources,
  events: Events,
  onConfig: (loaded: LoadedGatewayConfig) => void,
): FileWatch | undefined {
  if (sources.file === undefined) return undefined;
  return watchGatewayConfig(sources.file, sources, events, onConfig);
}

/** `live.config` may be replaced: what needs no restart is read when it matters. */
function dataPlaneOptions(live: { readonly config: GatewayConfig }): DataPlaneOptions {
  const { limits, timeouts, json, overload } = live.config;
  const { maxRank, maxElements, maxInputs, ...bounds } = limits;
  return {
    limits: {
      ...bounds,
      decode: { maxRank, maxElements, maxInputs, maxDepth: MAX_JSON_DEPTH },
    },
    timeouts,
    nonFinite: json.nonFinite,
    overloadStatus: overload.status,
    get repositoryControl() {
      return live.config.repositoryControl;
    },
    serverVersion: VERSION,
  };
}
