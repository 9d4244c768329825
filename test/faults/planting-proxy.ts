/**
 * Stands between client and gateway and spoils some answers on purpose: so that the suite's own accounting is seen to catch
 * what it is there for. Everything else passes through as it is.
 */
import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Address } from '../../src/load/connection.ts';

/** `dropped`: the connection ends instead. `swapped`: two requests get each other's answers. `failed`: a 500. */
export type Planted = 'dropped' | 'swapped' | 'failed';

export interface PlantingProxy extends AsyncDisposable {
  readonly address: Address;
  /** Answers spoiled so far. */
  planted(): number;
}

interface Held {
  readonly answer: Answer;
  readonly response: ServerResponse;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

const FAILURE: Answer = { status: 500, headers: {}, body: Buffer.from('{"error":"planted"}') };

/** Spoils every `every`-th answer; two of them at a time where they are swapped. */
export async function startPlantingProxy(
  target: Address,
  kind: Planted,
  every: number,
): Promise<PlantingProxy> {
  const agent = new Agent({ keepAlive: true });
  let [seen, planted] = [0, 0];
  let held: Held | undefined;
  const spoil = (one: Held): void => {
    if (kind === 'dropped') one.response.destroy();
    else if (kind === 'failed') send(one.response, FAILURE);
    else if (held === undefined) {
      held = one;
      return;
    } else {
      send(one.response, held.answer);
      send(held.response, one.answer);
      held = undefined;
      planted++;
    }
    planted++;
  };
  const server = createServer((asked, response) => {
    void passOn(target, agent, asked).then(answer => {
      if (++seen % every === 0) spoil({ answer, response });
      else send(response, answer);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: { host: '127.0.0.1', port: (server.address() as AddressInfo).port },
    planted: () => planted,
    async [Symbol.asyncDispose]() {
      if (held !== undefined) send(held.response, held.answer);
      agent.destroy();
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

async function passOn({ host, port }: Address, agent: Agent, asked: IncomingMessage): Promise<Answer> {
  const onward = request({
    host,
    port,
    agent,
    method: asked.method,
    path: asked.url,
    headers: asked.headers,
  });
  onward.end(await bodyOf(asked));
  const [answer] = (await once(onward, 'response')) as [IncomingMessage];
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: await bodyOf(answer) };
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of message) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  const { connection: _, 'keep-alive': __, ...kept } = headers;
  response.writeHead(status, { ...kept, 'content-length': body.length });
  response.end(body);
}
