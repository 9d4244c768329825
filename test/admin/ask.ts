/** Sends exactly the request it is told to, without a client's own ideas of headers and paths. */
import { Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';
import type { TestContext } from 'node:test';
import { type AdminOptions, createAdminPlane } from '../../src/admin/plane.ts';
import type { AdminService } from '../../src/admin/service.ts';
import { fakeService } from './fake-service.ts';

export interface Asked {
  readonly method?: string;
  readonly path?: string;
  /** `host` is the plane's own unless named here. An array sends the header more than once. */
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Uint8Array;
}

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export type Ask = (asked?: Asked) => Promise<Answered>;

/** A route's path with a model and version in it, and what it must be sent. */
export function askable(path: string): { readonly path: string; readonly body?: string } {
  const named = path.replace('{model}', 'digits').replace('{version}', '1');
  return path.endsWith('/breaker') ? { path: named, body: '{"state":"closed"}' } : { path: named };
}

/** A plane on a free loopback port, closed with the test. */
export async function startPlane(
  t: TestContext,
  options: Partial<AdminOptions> = {},
  service: AdminService = fakeService(),
  onInternal?: (error: unknown) => void,
): Promise<{ readonly url: string; readonly ask: Ask }> {
  const plane = createAdminPlane(
    service,
    { host: '127.0.0.1', port: 0, buildVersion: '1.2.3', ...options },
    onInternal,
  );
  const url = await plane.listen();
  const agent = new Agent({ keepAlive: true });
  t.after(() => {
    agent.destroy();
    return plane.close();
  });
  const port = Number(new URL(url).port);
  return { url, ask: asked => send(agent, port, asked) };
}

function send(
  agent: Agent,
  port: number,
  { method = 'GET', path = '/', headers = {}, body }: Asked = {},
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port,
        method,
        path,
        headers: { host: `127.0.0.1:${port}`, ...headers },
        agent,
      },
      response => {
        const chunks: Buffer[] = [];
        response.on('data', chunk => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}
