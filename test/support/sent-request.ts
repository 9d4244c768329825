/** Binary inference requests over connections of their own, of which is known when they have been sent and who can hang up. */
import { Agent, type IncomingMessage, request } from 'node:http';
import { type Answer, binaryBody, type FloatTensor, readAnswer } from './client.ts';

export interface SentRequest {
  /** Its last byte is the kernel's. */
  readonly sent: Promise<void>;
  /** Rejects once it hung up. */
  readonly answer: Promise<Answer>;
  hangUp(): void;
}

export function sendBinary(url: string, inputs: readonly FloatTensor[]): SentRequest {
  const { body, headerLength } = binaryBody(inputs);
  const headers = {
    'content-length': body.length,
    'inference-header-content-length': String(headerLength),
  };
  const outgoing = request(url, { method: 'POST', headers, agent: new Agent() });
  const sent = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Answer>();
  outgoing.on('error', answer.reject);
  outgoing.on(
    'response',
    response => void responseOf(response).then(readAnswer).then(answer.resolve, answer.reject),
  );
  outgoing.end(body, () => sent.resolve());
  return { sent: sent.promise, answer: answer.promise, hangUp: () => void outgoing.destroy() };
}

async function responseOf(incoming: IncomingMessage): Promise<Response> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  const headers = Object.entries(incoming.headers).map(([name, value]): [string, string] => [
    name,
    String(value),
  ]);
  return new Response(Buffer.concat(parts), { status: incoming.statusCode ?? 0, headers });
}
