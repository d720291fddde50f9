import { test } from 'vitest';

import { raceIncrements } from './run-increments.js';

test('8 x 50 increments through run are exactly 400 while clean loops beside them', () => raceIncrements(50));
