// node oracle.mjs: the cases against navigator.locks of this Node, one after the other; prints what fails.
import { cases } from './cases.mjs';

const alive = setInterval(() => undefined, 1_000);
const failures = [];
for (const [index, { file, law, run }] of cases.entries()) {
  const late = new Promise((_, reject) => setTimeout(reject, 5_000, new Error('did not end')).unref());
  await Promise.race([run(navigator.locks, `name ${index}`), late]).catch((error) =>
    failures.push(`${file}: ${law}: ${error}`),
  );
}
clearInterval(alive);
console.log(JSON.stringify({ cases: cases.length, failures }));
process.exit();
