import { threeEngines } from '../support/three-engines.js';
import { OVER_ENGINES, overEngine, testTroubles } from './run-trials.js';

const engines = threeEngines();

for (const engine of OVER_ENGINES) testTroubles(engine, (name) => overEngine(engines, engine, name));
