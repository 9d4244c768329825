import assert from 'node:assert/strict';
import test from 'node:test';
import { Flight } from '../../src/cache/flight.ts';
import { FlightTable } from '../../src/cache/flight-table.ts';
import { unitsOf } from '../../src/cache/request-units.ts';
import { DYNAMIC, ints, request } from '../batch/requests.ts';

const split = unitsOf(DYNAMIC, false);
const SAME = 7;
const any = () => true;

/** A unit under way, with a fingerprint that all of them have. */
function begun(table: FlightTable, content: number) {
  const inference = request(ints([content, 0]));
  const flight = new Flight(inference, split(inference), false);
  table.add(flight.want(0, undefined, SAME));
  return flight;
}

for (const [order, name] of [
  [[0, 1, 2], 'oldest first'],
  [[2, 1, 0], 'newest first'],
  [[1, 0, 2], 'from the middle'],
] as const) {
  test(`of units with one fingerprint each is found while it is under way, ended ${name}`, () => {
    const table = new FlightTable();
    const flights = [0, 1, 2].map(content => begun(table, content));
    const find = (content: number) => table.find(SAME, split(request(ints([content, 0]))), 0, any)?.flight;
    assert.deepEqual([0, 1, 2].map(find), flights);
    const ended = new Set<number>();
    for (const at of order) {
      table.remove(flights[at] as Flight);
      ended.add(at);
      for (const content of [0, 1, 2]) {
        assert.equal(find(content), ended.has(content) ? undefined : flights[content]);
      }
    }
    assert.equal(table.units, 0);
  });
}

test('what has ended is not found', () => {
  const table = new FlightTable();
  const flight = begun(table, 0);
  flight.land();
  assert.equal(table.find(SAME, flight.units, 0, any), undefined);
});
