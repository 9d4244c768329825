/** A program with every habit that the checks look for, for their controls. */
import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

const server = createServer().listen(0, '127.0.0.1', () => {
  writeFileSync(path.join(tmpdir(), '.loose-device-id'), 'an id');
  createSocket('udp4').send('hello', 9, '127.0.0.9');
  const call = connect({ host: '127.0.0.8', port: 9 });
  call.on('error', () => {
    console.log(`listening ${JSON.stringify(server.address())} with ${process.env['LOOSE_SECRET']}`);
  });
});
process.on('SIGTERM', () => process.exit(0));
