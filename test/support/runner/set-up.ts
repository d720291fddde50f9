import { vi } from 'vitest';

import { hangMs } from '../time.js';

// Longer than a state is watched for, so that a test fails by saying what never happened.
const soak = process.env['HOLDFAST_SOAK'] === '1' ? 5 : 1;
vi.setConfig({ testTimeout: 4 * hangMs * soak, hookTimeout: 4 * hangMs * soak });
