/**
 * Invocations for flock(1) and \`holdfast run\` alike: \`$F\` is the one or the other. Compared are standard output, the exit
 * code and what is in the folder afterwards. A row with \`differs\` must differ, and names a row of the guide's table.
 */
export interface Invocation {
  readonly script: string;
  readonly differs?: string;
}

const same = (...scripts: string[]): Invocation[] => scripts.map((script) => ({ script }));
const differ = (differs: string, ...scripts: string[]): Invocation[] =>
  scripts.map((script) => ({ script, differs }));

export const INVOCATIONS: readonly Invocation[] = [
  ...same(
    // The command's end.
    '$F l true',
    '$F l false',
    '$F l sh -c "exit 7"',
    '$F l sh -c "exit 255"',
    "$F l sh -c 'kill -TERM $$'",
    "$F l sh -c 'kill -INT $$'",
    "$F l sh -c 'kill -KILL $$'",
    "$F l sh -c 'kill -ABRT $$' 2>/dev/null",
    "$F l sh -c 'kill -36 $$'",
    "$F l bash -c 'kill -64 $$'",
    // -c and the shell.
    "$F l -c 'echo $0; exit 3'",
    "SHELL=/bin/bash $F l -c 'echo ${BASH_VERSION:+bash}'",
    "env -u SHELL $F l -c 'echo ${BASH_VERSION:-sh}'",
    "$F l --command 'echo a b'",
    // Arguments and environment, byte by byte.
    '$F l printf "[%s]" a "b c" "" "*" \'$x\'',
    "$F l printf '%s' $'a\\xe9' | od -An -tx1",
    "V=$'\\xff' $F l printenv V | od -An -tx1",
    '$F l printf "[%s]" -n -x --help --',
    'LANG=C.UTF-8 $F l printf %s é',
    'env -i PATH="$PATH" $F l sh -c \'echo "${HOME-none}"\'',
    '$F l pwd | xargs basename | wc -l',
    // Names of locks.
    '$F "a b" true',
    "$F $'new\\nline' true",
    "$F $'caf\\xe9' flock -n $'caf\\xe9' true",
    '$F -- -l true',
    '$F ./l true',
    'ln -s target link; $F link true',
    'mkdir d; $F d flock -n d true',
    'mkdir d; $F d/ true; ls d',
    '$F /dev/null true',
    // Files of others stay as they are.
    'echo content > f; $F f cat f',
    'echo content > f; $F -s f cat f',
    'echo content > f; chmod 444 f; $F f cat f',
    'printf "#!/bin/sh\\necho ran\\n" > t; chmod +x t; $F t ./t',
    'cp /bin/true t; $F t ./t',
    'cp /bin/true t; flock -s t $F -s t ./t',
    'printf "4711 holdfish" > f; $F f true',
    // Who excludes whom.
    '$F l flock -n l true',
    '$F l flock -n -s l true',
    '$F -s l flock -n l true',
    '$F -s l flock -n -s l true',
    'flock l $F -n -E 9 l true',
    'flock l $F -n -s -E 9 l true',
    'flock -s l $F -n -E 9 l true',
    'flock -s l $F -n -s -E 9 l echo in',
    '$F -x l flock -n l true',
    '$F -e l flock -n l true',
    'flock l $F -w 0.1 -E 9 l true',
    'flock l $F -w 0 -E 9 l true',
    'flock l $F --timeout 0.1 -E 9 l true',
    // Every spelling.
    'flock l $F -nE9 l true',
    'flock l $F -xnE 9 l true',
    'flock l $F -w0.1 -E9 l true',
    'flock l $F --nb -E 9 l true',
    'flock l $F --nonblock --conflict-exit-code 9 l true',
    'flock l $F --nonblocking --conflict-exit-code=9 l true',
    'flock l $F --wait 0.1 -E 0 l true',
    '$F --exclusive l true; $F --shared l true; $F --close l true; $F --no-fork l true',
    // Descriptors.
    'exec 9>l; $F 9; flock -n l true',
    'exec 9>l; $F -s 9; flock -n -s l true',
    'exec 9>l; $F -x -n 9; flock -n -s l true',
    'exec 9>l; $F 9; $F -u 9; flock -n l true',
    'exec 9>l; $F 9; $F --unlock 9; flock -n l true',
    'exec 200>l; $F 200; flock -n l true',
    'exec 9<l 2>/dev/null || exec 9>l; $F 9; exec 9>&-; flock -n l true',
    'exec 8>l; flock 8; exec 9>l; $F -nE 9 9',
    'exec 8>l; flock 8; exec 9>l; $F -w 0.1 -E 9 9',
    '(flock -n 9 || exit 1; echo in) 9>l; ($F 9; echo in) 9>l',
    // What the command gets.
    'echo input | $F l cat',
    'exec 3<<<three; $F l cat <&3',
    'exec 3<<<three; $F l sh -c "cat <&3"',
    'exec 5>five; $F l sh -c "echo x >&5"; cat five',
    '$F -o l sh -c "ls -l /proc/self/fd | grep -c /l$"',
    '$F l sh -c "ls -l /proc/self/fd | grep -c /l$"',
    '$F l sh -c "echo out; echo err >&2" 2>&1',
    "$F l sh -c 'umask'; (umask 077; $F m sh -c umask)",
    'ulimit -n 99; $F l sh -c "ulimit -n"',
    'ulimit -Sn 99; $F l sh -c "ulimit -Sn"; ulimit -Hn',
    '$F l $F m echo nested',
    'cat /dev/null | $F l true | cat',
  ),
  ...differ(
    'The exit code on a conflict',
    'flock l $F -n l true',
    'flock l $F -n -s l true',
    'flock l $F -w 0.1 l true',
    'exec 8>l; flock 8; exec 9>l; $F -n 9',
  ),
  ...differ('A command that cannot be started', '$F l /no/such/command', '$F l no-such-command', '$F l /'),
  ...differ('A lock that cannot be opened', '$F no/such/folder/l true'),
  ...differ('What the command leaves behind', "$F l -c 'sleep 3 >&- 2>&- &'; flock -n l true"),
  ...same('test $F = flock || F="$F --until-closed"; $F l -c \'sleep 1 >&- 2>&- &\'; flock -n l true'),
  ...differ(
    '`-F`',
    '$F -F l sh -c \'test $PPID = $(ps -o ppid= $$ | tr -d " "); ps -o args= $PPID | grep -c holdfast\'',
  ),
  ...differ('`--verbose`', '$F --verbose l true | wc -l'),
  ...differ('An empty lock file', '$F l wc -c < /dev/null; wc -c < l | tr -d " " | sed "s/^[1-9].*/record/"'),
  ...differ('`-V`', '$F -V | head -c 5'),
  ...differ(
    'Ignored and blocked signals',
    'trap "" HUP; $F l sh -c \'kill -HUP $$; echo alive\'',
    'env --block-signal=USR2 $F l grep SigBlk /proc/self/status',
  ),
  ...differ('The soft limit of open files', 'ulimit -Sn 99; exec $F l sh -c "ulimit -Sn"'),
];
