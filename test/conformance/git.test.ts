import type { Subject } from '../../dist/testing/index.js';
import { conform } from './conformance.js';
import { subject } from './subjects/git.mjs';

conform(subject as Subject);
