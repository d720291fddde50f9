import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { HOLDFAST, script } from '../support/holdfast.js';

const OURS = `${process.execPath} ${HOLDFAST} run`;
/** Starts a program as few others do. */
const ODDLY = `python3 ${fileURLToPath(new URL('start-oddly.py', import.meta.url))}`;
const NOBODY = 'setpriv --reuid=65534 --regid=65534 --clear-groups';
/** The command tells by its exit code that it ran. */
const SEVEN = 'sh -c "exit 7"; echo $?';

/** `$F $L COMMAND` is flock(1) or \`run\`, over a file or a lease; the outcome is the same. */
const SAME: readonly string[] = [
  // Standard streams.
  `$F $L ${SEVEN} <&-`,
  `$F $L ${SEVEN} >&-`,
  `$F $L sh -c "echo x > ran; exit 7" <&- >&- 2>&-; echo $? $(cat ran)`,
  `$F $L ${SEVEN} 2> >(exec true)`,
  `$F $L ${SEVEN} 2>/dev/full`,
  `${ODDLY} full-stderr $F $L ${SEVEN}`,
  // What is passed on.
  '$F $L printf "[%s]" "" a "" "a\nb"',
  '$F $L sh -c "echo ${#1}" x "$(head -c 100000 /dev/zero | tr "\\0" a)"',
  '$F $L sh -c "echo \\$#" x $(seq 20000)',
  'V="a\nb" $F $L printenv V',
  `${ODDLY} environment $F $L sh -c 'tr "\\0" "\\n" < /proc/$$/environ | grep -Ev "HOLDFAST|^PATH"'`,
  `(umask 027; echo 300 > /proc/self/oom_score_adj
    nice -n 3 $F $L sh -c "umask; nice; cat /proc/self/oom_score_adj")`,
  '(ulimit -Sn 512; ulimit -Sc 0; ulimit -Ss 4096; $F $L cat /proc/self/limits; echo)',
  '(ulimit -n 64; $F $L cat /proc/self/limits; echo)',
  'taskset -c 0 $F $L sh -c "taskset -p $$" | grep -o "[0-9a-f]*$"',
  'setpriv --no-new-privs $F $L grep NoNewPrivs /proc/self/status',
  '$F $L sh -c "ps -o pgid=,sid= $$" | tr -s " " "\\n" | sort -u | wc -l',
  // Places.
  `mkdir gone; cd gone; rmdir ../gone; $F $L ${SEVEN}`,
  `chmod 777 .; mkdir -m 0 closed; cd closed; ${NOBODY} $F $L ${SEVEN}`,
  `unshare --mount sh -c 'umount -l /dev/shm; $F $L ${SEVEN}'`,
  `unshare --mount sh -c 'umount -l /proc; $F $L ${SEVEN}'`,
  `unshare --pid --fork --mount-proc $F $L ${SEVEN}`,
  `unshare --pid --fork $F $L ${SEVEN}`,
  `chmod 777 .; ${NOBODY} unshare --user $F $L ${SEVEN}`,
  `setsid -w $F $L ${SEVEN}`,
  // Commands and their ends.
  'printf "echo ran \\$1\nexit 4\n" > s; chmod +x s; $F $L ./s a; echo $?',
  '$F $L bash -c "ulimit -c 0; kill -SEGV \\$\\$" 2>&1; echo $?',
  '$F $L bash -c "kill -40 \\$\\$"; echo $?',
  '$F $L sh -c "(sleep 0.1 &); sleep 0.3; ps -o stat= --ppid \\$PPID" | grep -c Z',
  `${ODDLY} ignoring-children $F $L ${SEVEN}`,
  `${ODDLY} no-subreaper $F $L ${SEVEN}`,
];

/** By lock: the program, and what `$L` is. */
const LOCKS = { file: '$PWD/l', lease: 'lease:$PWD/l' };

describe.each(Object.entries(LOCKS))('run over a %s in odd surroundings', (_, lock) => {
  it.each(SAME)('does what flock(1) does: %s', async (text) => {
    const outcomeOf = async (program: string, address: string): Promise<unknown> => {
      const { code, stdout } = await script(testDirectory(), `L=${address}; export L\n${text}`, {
        env: { F: program, PATH: process.env['PATH'] },
      });
      return { code, stdout };
    };
    const [theirs, ours] = await Promise.all([outcomeOf('flock', LOCKS.file), outcomeOf(OURS, lock)]);
    expect(ours).toEqual(theirs);
  });
});

it.each(['/', './directory', './data', './no-interpreter', './noexec/s'])(
  '%s is no program: 126 under any lock',
  async (command) => {
    const prepare = `mkdir directory noexec; echo > data; printf '#!/no/such\\n' > no-interpreter; chmod +x no-interpreter
      mount -t tmpfs -o noexec tmpfs noexec; printf '#!/bin/sh\\n' > noexec/s; chmod +x noexec/s`;
    const run = `for L in x lease:y; do $H run $L ${command}; echo $?; done; umount noexec`;
    const { stdout, stderr } = await script(testDirectory(), `${prepare}\n${run}`);
    expect(stdout).toBe('126\n126\n');
    expect(stderr.match(/^holdfast: Could not run .*\.$/gm)).toHaveLength(2);
  },
);
