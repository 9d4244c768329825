/** Short forms of the scenarios in which workers and models fail. */
import { testScenarios } from './assert-kept.ts';

testScenarios([
  'engine',
  'crash-loop',
  'memory',
  'slow-worker',
  'paused-worker',
  'nan',
  'malformed',
  'breaker',
  'leaving',
]);
