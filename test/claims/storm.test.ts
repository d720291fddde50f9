import { test } from 'vitest';

import { storm } from './storm.js';

test('eight agents claim one id over http: exactly one gets it', () => storm(8, 4));
