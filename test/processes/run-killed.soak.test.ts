import { LOCAL, testTroubles } from './run-trials.js';

for (const [title, trialAt] of Object.entries(LOCAL)) testTroubles(title, trialAt);
