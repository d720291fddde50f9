// Installs a recipe and kills itself, without a chance to clean up, when `stage` begins (or its first output comes).
import { install, readRecipeFile } from '../../dist/provision/index.js';

const [recipe, dir, stage, ...flags] = process.argv.slice(2);
await install(await readRecipeFile(recipe), {
  dir,
  update: flags.includes('update'),
  onEvent: (event) => {
    if (event.type === 'stage' && event.stage === stage) process.kill(process.pid, 'SIGKILL');
    if (event.type === 'output' && event.line === stage) process.kill(process.pid, 'SIGKILL');
    if (event.type === 'done' && stage === 'done') process.kill(process.pid, 'SIGKILL');
  },
});
