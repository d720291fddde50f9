import { threeEngines } from '../support/three-engines.js';
import { LOCAL, OVER_ENGINES, overEngine, testTroubles } from './run-trials.js';

const engines = threeEngines();

for (const [title, trialAt] of Object.entries(LOCAL)) testTroubles(title, trialAt);
for (const engine of OVER_ENGINES) testTroubles(engine, (name) => overEngine(engines, engine, name));
