/** A process that owns a pool, to be killed: `pool-owner.ts <socket parent> <model file>`. Says its workers' sockets' folder. */
import { createEvents } from '../../src/events.ts';
import { Pool } from '../../src/pool/pool.ts';
import { FAKE_WORKER, specOf } from './running-pool.ts';

const [socketParent = '', file = ''] = process.argv.slice(2);
const pool = new Pool({ cores: 1, workerCommand: FAKE_WORKER, socketParent }, createEvents());
await pool.start();
await pool.load(specOf(file));
console.log(JSON.stringify(pool.view()));
