import { finding, plural, type CheckId, type Finding } from '../finding.js';
import type { Tried } from '../party-files.js';
import type { CheckContext } from './context.js';

interface Tally {
  rounds: number;
  doubles: number;
  /** Rounds without a winner. */
  blanks: number;
  readonly errnos: Set<string>;
}

/** What the loser of a race gets; anything else is the system's own trouble. */
const LOSER = new Set(['EEXIST', 'ENOENT', 'ENOTEMPTY']);

type Try = (round: number, who: 'a' | 'b', context: CheckContext['here']) => Promise<Tried>;

/** Both parties do the same thing at the same time, again and again; exactly one may succeed each time. */
async function race({ here, there, rounds }: CheckContext, attempt: Try): Promise<Tally> {
  const tally: Tally = { rounds, doubles: 0, blanks: 0, errnos: new Set() };
  for (let round = 0; round < rounds; round++) {
    // Who is asked first changes, so that neither is always ahead by the time of one message.
    const first = round % 2 === 0;
    const one = attempt(round, first ? 'a' : 'b', first ? here : there);
    const two = attempt(round, first ? 'b' : 'a', first ? there : here);
    const results = await Promise.all([one, two]);
    const wins = results.filter(({ errno }) => errno === undefined).length;
    if (wins === 2) tally.doubles++;
    if (wins === 0) tally.blanks++;
    for (const { errno } of results) if (errno !== undefined && !LOSER.has(errno)) tally.errnos.add(errno);
  }
  return tally;
}

function judge(check: CheckId, { rounds, doubles, blanks, errnos }: Tally): Finding {
  const seen = [...errnos].join(', ');
  const figures = {
    rounds,
    doubleWins: doubles,
    withoutWinner: blanks,
    ...(seen !== '' && { errnos: seen }),
  };
  if (doubles > 0) {
    return finding(check, 'broken', `both won in ${doubles} of ${plural(rounds, 'race')}`, figures);
  }
  if (blanks === rounds) {
    return finding(check, 'refused', `it never works${seen === '' ? '' : ` (${seen})`}`, figures);
  }
  const also = seen === '' ? '' : `; losers got ${seen}`;
  const without = blanks === 0 ? '' : `, none in ${blanks}`;
  return finding(check, 'holds', `one winner in each of ${plural(rounds, 'race')}${without}${also}`, figures);
}

/** O_CREAT with O_EXCL. */
export async function checkExclusiveCreate(context: CheckContext): Promise<Finding> {
  return judge(
    'exclusive create',
    await race(context, (round, _who, party) => party.ask('createOnce', `c.${round}`)),
  );
}

export async function checkLink(context: CheckContext): Promise<Finding> {
  for (const who of ['a', 'b']) await context.here.ask('createOnce', `l.${who}`);
  await context.there.ask('seeName', 'l.b', 2_000);
  return judge(
    'link',
    await race(context, (round, who, party) => party.ask('link', `l.${who}`, `l.${round}`)),
  );
}

/** The compare-and-swap of leases: two renames of one name, of which one must fail and neither may copy. */
export async function checkRename(context: CheckContext): Promise<Finding> {
  const { here, rounds } = context;
  const tally = await race(context, async (round, who, party) => {
    if (who === 'a') return party.ask('rename', `s.${round}`, `s.${round}.a`);
    return party.ask('rename', `s.${round}`, `s.${round}.b`);
  });
  const names = new Set(await here.ask('list', '.'));
  let copies = 0;
  for (let round = 0; round < rounds; round++) {
    if (names.has(`s.${round}.a`) && names.has(`s.${round}.b`)) copies++;
  }
  return judge('rename', { ...tally, doubles: Math.max(tally.doubles, copies) });
}

/** The files that {@link checkRename} renames. Made beforehand, so that its races are of renames only. */
export async function prepareRename({ here, rounds }: CheckContext): Promise<void> {
  for (let round = 0; round < rounds; round++) await here.ask('createOnce', `s.${round}`);
}

/** The birth of a lease: a folder that is not empty gives way to no other. */
export async function checkBirth(context: CheckContext): Promise<Finding> {
  const { here, there, rounds } = context;
  const few = Math.ceil(rounds / 2);
  for (let round = 0; round < few; round++) {
    await Promise.all([
      here.ask('makeFolder', `b.${round}.new-a`, 'a'),
      there.ask('makeFolder', `b.${round}.new-b`, 'b'),
    ]);
  }
  const tally = await race({ ...context, rounds: few }, (round, who, party) =>
    party.ask('rename', `b.${round}.new-${who}`, `b.${round}`),
  );
  return judge('birth', tally);
}
