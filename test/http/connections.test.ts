import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import { Connections } from '../../src/http/connections.ts';

const RULES = { sendMs: 1000, maxRequestsPerClient: 10, takesConnections: () => true };

async function pair(t: TestContext): Promise<{ readonly server: Socket; readonly client: Socket }> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const client = connect((listener.address() as AddressInfo).port, '127.0.0.1');
  const [server] = (await once(listener, 'connection')) as [Socket];
  t.after(() => {
    client.destroy();
    server.destroy();
    listener.close();
  });
  return { server, client };
}

test('a connection whose answer is not out yet only seems idle', async t => {
  const { server, client } = await pair(t);
  const connections = new Connections(RULES);
  connections.accept(server);
  assert.equal(connections.someOnlySeemIdle, false);
  client.pause();
  const written = new Promise(resolve => server.write(Buffer.alloc(16 * 1024 * 1024), resolve));
  assert.equal(connections.someOnlySeemIdle, true);
  client.resume();
  await written;
  assert.equal(connections.someOnlySeemIdle, false);
});

test('one that waits for an answer unseen does, too, until it has closed', async t => {
  const { server, client } = await pair(t);
  const connections = new Connections(RULES);
  connections.accept(server).waitsUnseen = true;
  assert.equal(connections.someOnlySeemIdle, true);
  const closed = once(server, 'close');
  client.end();
  server.resume().end();
  await closed;
  assert.equal(connections.someOnlySeemIdle, false);
});
