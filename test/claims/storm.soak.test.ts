import { test } from 'vitest';

import { storm } from './storm.js';

test.each([
  [8, 1000],
  [64, 300],
  [200, 50],
])('%i agents claim one id over http, %i times: exactly one gets it', storm);
