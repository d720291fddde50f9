import { timing, type Subject } from '../../dist/testing/index.js';
import { conform } from './conformance.js';
import { subject } from './subjects/git.mjs';

// Turns come by asking every 2 s.
timing.hangMs = 60_000;

conform(subject as Subject);
