/** Control, imported into a gateway's process: some bytes are kept for each request there ever was, 1 KB unless said. */
import { Connections } from '../../../src/http/connections.ts';

const BYTES_OF_ELEMENT = 8;
const elements = Number(process.env['SOAK_LEAK_BYTES'] ?? 1024) / BYTES_OF_ELEMENT;

const { enter } = Connections.prototype;
const kept: number[][] = [];

Connections.prototype.enter = function (connection, exchange) {
  kept.push(Array<number>(elements).fill(kept.length));
  enter.call(this, connection, exchange);
};
