/** Short forms of the scenarios in which files are changed under traffic, and of a start with many of them. */
import { testScenarios } from './assert-kept.ts';

testScenarios(['bad-config', 'bad-models', 'removed', 'reload-storm', 'many-models']);
