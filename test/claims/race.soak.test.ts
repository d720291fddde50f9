import { test } from 'vitest';

import './race.test.js';
import { TRANSPORTS } from '../support/git-remotes.js';
import { race } from './racing.js';

test.each(TRANSPORTS)('INV-GIT-1: 50 races of ten clones over %s', (transport) => race(transport, 50));
