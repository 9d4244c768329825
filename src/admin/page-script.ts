/** What the page does, in the order in which its parts build on each other: one script, so that the policy names one hash. */
import { batches } from './page-batches.ts';
import { drawing } from './page-drawing.ts';
import { elements } from './page-elements.ts';
import { latencyChart } from './page-latency-chart.ts';
import { loop } from './page-loop.ts';
import { rates } from './page-rates.ts';
import { tables } from './page-tables.ts';

export const script = `
'use strict';
${[elements, drawing, rates, tables, latencyChart, batches, loop].join('')}`;
