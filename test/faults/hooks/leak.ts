/** Control, imported into a gateway's process: 1 KB is kept for each request there ever was. */
import { Connections } from '../../../src/http/connections.ts';

const { enter } = Connections.prototype;
const kept: number[][] = [];

Connections.prototype.enter = function (connection, exchange) {
  kept.push(Array<number>(128).fill(kept.length));
  enter.call(this, connection, exchange);
};
