// What a default run sees over one transport each is seen over all of them: with HOLDFAST_SOAK these files list them all.
import './clocks.test.js';
import './hook.test.js';
import './kill.test.js';
import './late.test.js';
import './repair.test.js';
import './settle.test.js';
import './steal.test.js';
import './watch.test.js';
