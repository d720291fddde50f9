import { matrix } from './matrix.js';

matrix({ isWhole: true });
