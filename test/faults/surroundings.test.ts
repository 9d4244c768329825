/** Short forms of the scenarios in which what is around the gateway fails: log, shared cache, clock, its own end, descriptors. */
import { testScenarios } from './assert-kept.ts';

testScenarios(['broken-log', 'broken-redis', 'clock', 'sigterm', 'descriptors']);
