import { quietRun } from './quiet-run.ts';

console.log(JSON.stringify(await quietRun({ idleMs: Number(process.argv[2]) })));
