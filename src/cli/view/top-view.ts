import type { DeadlockLink } from '../../core/deadlock.js';
import { asTypedHere } from '../render/path.js';
import type { RankedLock, Survey } from '../../observe/seen.js';
import { commandOf } from '../../platform/identity.js';
import { remedyOf } from '../render/remedy.js';
import { fit, padEnd, wrap } from '../render/text.js';
import { escapeText } from '../../core/escape.js';
import { elapsed } from './elapsed.js';
import { layOut, type ColumnSpec } from './columns.js';
import { toInspection } from './survey-json.js';
import { isLeaseEnding, topRow } from './top-rows.js';
import { treeOf } from './tree.js';

/** In the order of their importance. */
const COLUMNS: readonly ColumnSpec[] = [
  { title: 'LOCK', short: 'LOCK', narrowest: 9, keepsEnd: true },
  { title: 'HOLDER', short: 'HOLDER', narrowest: 9 },
  { title: 'WAITERS', short: 'W', isNumeric: true },
  { title: 'OLDEST WAIT', short: 'OLDEST', isNumeric: true },
  { title: 'HELD', short: 'HELD', isNumeric: true },
  { title: 'LEASE LEFT', short: 'LEASE', isNumeric: true },
  { title: 'TOKEN', short: 'TOKEN', isNumeric: true },
];

export type LineStyle = 'plain' | 'title' | 'red' | 'yellow' | 'selected' | 'selected-red' | 'dim';

export interface ViewLine {
  readonly text: string;
  readonly style: LineStyle;
}

const SORTS = ['waiting', 'oldest wait', 'held', 'name'] as const;
type Sort = (typeof SORTS)[number];
const KEYS = 'Enter tree  / filter  s sort  b end it  c commands  q quit';

export interface Look {
  readonly survey: Survey;
  readonly describe: (lock: RankedLock) => RankedLock;
  readonly waitedLastMinuteMs: number;
}

/** What the screen of `top` shows, and what each key does to it. Pure but for names of processes. */
export class TopView {
  #look: Look;
  #selected: string | undefined;
  #page: 'list' | 'tree' | 'end' = 'list';
  #offset = 0;
  #filter = '';
  #isTyping = false;
  #sort: Sort = 'waiting';
  #hasCommands = false;
  isOver = false;

  constructor(look: Look) {
    this.#look = look;
  }

  update(look: Look): void {
    this.#look = look;
  }

  press(key: string, rows: number): void {
    if (this.#isTyping) return this.#type(key);
    const pageRows = Math.max(1, rows - 4);
    const steps: Readonly<Record<string, number>> = {
      up: -1,
      down: 1,
      k: -1,
      j: 1,
      'page-up': -pageRows,
      'page-down': pageRows,
    };
    const step = steps[key] ?? (key === 'home' ? -Infinity : key === 'end' ? Infinity : 0);
    if (step !== 0) return this.#move(step);
    if (key === 'q') this.isOver = true;
    else if (key === 'c') this.#hasCommands = !this.#hasCommands;
    else if (key === 'escape' || (this.#page !== 'list' && (key === 'enter' || key === 'backspace')))
      this.#back();
    else if (key === 'enter') this.#open('tree');
    else if (key === 'b') this.#open('end');
    else if (key === '/' && this.#page === 'list') this.#isTyping = true;
    else if (key === 's') this.#sort = SORTS[(SORTS.indexOf(this.#sort) + 1) % SORTS.length] as Sort;
  }

  #open(page: 'tree' | 'end'): void {
    this.#page = page;
    this.#offset = 0;
  }

  #back(): void {
    if (this.#page === 'list') this.#filter = '';
    this.#page = 'list';
  }

  #type(key: string): void {
    if (key === 'enter') this.#isTyping = false;
    else if (key === 'escape') {
      this.#isTyping = false;
      this.#filter = '';
    } else if (key === 'backspace') this.#filter = this.#filter.slice(0, -1);
    else if (Array.from(key).length === 1) this.#filter += key;
  }

  #move(step: number): void {
    if (this.#page !== 'list') {
      this.#offset = Math.max(0, Math.min(this.#offset + step, 10_000));
      return;
    }
    const locks = this.#locks();
    const at = this.#indexIn(locks);
    this.#selected = locks[Math.max(0, Math.min(locks.length - 1, at + step))]?.address;
  }

  #indexIn(locks: readonly RankedLock[]): number {
    return Math.max(
      0,
      locks.findIndex(({ address }) => address === this.#selected),
    );
  }

  #locks(): readonly RankedLock[] {
    const { survey, describe } = this.#look;
    const wanted = this.#filter.toLowerCase();
    const found =
      wanted === ''
        ? survey.locks
        : survey.locks.map(describe).filter((lock) => textOf(lock).toLowerCase().includes(wanted));
    switch (this.#sort) {
      case 'waiting':
        return found;
      case 'oldest wait':
        return found.toSorted((a, b) => b.oldestWaitMs - a.oldestWaitMs);
      case 'held':
        return found.map(describe).toSorted((a, b) => since(a) - since(b));
      case 'name':
        return found.toSorted((a, b) => (a.address < b.address ? -1 : 1));
    }
  }

  lines(columns: number, rows: number): readonly ViewLine[] {
    const locks = this.#locks();
    const selected = locks[this.#indexIn(locks)];
    const body = this.#body(locks, selected, columns, rows - 2);
    const filled = [...body, ...Array.from({ length: Math.max(0, rows - 2 - body.length) }, () => BLANK)];
    return [this.#header(columns), ...filled.slice(0, rows - 2), this.#footer(columns)].map(
      ({ text, style }) => ({
        text: style === 'plain' ? fit(text, columns) : padEnd(fit(text, columns), columns),
        style,
      }),
    );
  }

  #body(
    locks: readonly RankedLock[],
    selected: RankedLock | undefined,
    columns: number,
    room: number,
  ): ViewLine[] {
    if (selected !== undefined && this.#page === 'tree') return this.#tree(selected, columns, room);
    if (selected !== undefined && this.#page === 'end') return this.#ending(selected, columns);
    return this.#list(locks, columns, room);
  }

  #list(locks: readonly RankedLock[], columns: number, room: number): ViewLine[] {
    const { survey, describe } = this.#look;
    const warnings = [
      ...survey.deadlocks.map((cycle): ViewLine => ({
        text: `Deadlock: ${cycleInShort(cycle)}`,
        style: 'red',
      })),
      ...survey.problems.map((text): ViewLine => ({ text, style: 'yellow' })),
    ].slice(0, 3);
    const count = Math.max(1, room - warnings.length - 1);
    const at = this.#indexIn(locks);
    const first = Math.max(0, Math.min(at - Math.floor(count / 2), locks.length - count));
    const shown = locks.slice(first, first + count).map(describe);
    const commands = this.#hasCommands ? commandOf : undefined;
    const texts = layOut(
      COLUMNS,
      shown.map((lock) => {
        const {
          lock: name,
          holder,
          held,
          waiters,
          oldest,
          lease,
          token,
        } = topRow(lock, survey.atMs, commands);
        return [name, holder, waiters, oldest, held, lease, token];
      }),
      columns - MARK.length,
    );
    const [title = '', ...rows] = texts;
    return [
      ...warnings,
      { text: ' '.repeat(MARK.length) + title, style: 'title' },
      ...rows.map((text, index): ViewLine => {
        const lock = shown[index] as RankedLock;
        if (first + index === at)
          return { text: MARK + text, style: lock.isInCycle ? 'selected-red' : 'selected' };
        const style = lock.isInCycle ? 'red' : isLeaseEnding(lock) ? 'yellow' : 'plain';
        return { text: ' '.repeat(MARK.length) + text, style };
      }),
    ];
  }

  #tree(lock: RankedLock, columns: number, room: number): ViewLine[] {
    const { survey, describe } = this.#look;
    const commands = this.#hasCommands ? commandOf : undefined;
    const lines = treeOf(lock, { survey, describe, commandOf: commands }).flatMap(({ depth, text, isRed }) =>
      wrap(text, columns, '  '.repeat(Math.min(depth, 8))).map((line): ViewLine => ({
        text: line,
        style: isRed ? 'red' : 'plain',
      })),
    );
    this.#offset = Math.max(0, Math.min(this.#offset, lines.length - room));
    return lines.slice(this.#offset);
  }

  #ending(lock: RankedLock, columns: number): ViewLine[] {
    const { describe } = this.#look;
    const inspection = toInspection(describe(lock));
    const remedy = inspection.isHeld ? remedyOf(inspection) : undefined;
    const pids = inspection.holders.flatMap(({ pid, note }) =>
      // The wrapper of a command of ours takes it along; another program's child keeps the lock.
      pid === undefined || (lock.kind === 'holdfast' && note !== undefined) ? [] : [pid],
    );
    const command =
      remedy?.command ?? (lock.backend === 'flock' && pids.length > 0 ? `kill ${pids.join(' ')}` : undefined);
    const said = remedy?.text ?? (inspection.isHeld ? 'Nothing here can end it.' : 'It is free.');
    return [
      ...wrap(escapeText(`To end the hold of ${lock.address}, which this program does not do:`), columns),
      ...wrap(escapeText(said), columns),
      ...(command === undefined ? [] : ['', ...pieces(escapeText(command), columns)]),
    ].map((text): ViewLine => ({ text, style: 'plain' }));
  }

  #header(columns: number): ViewLine {
    const { survey, waitedLastMinuteMs } = this.#look;
    let holders = 0;
    let waiters = 0;
    for (const lock of survey.locks) {
      holders += lock.holders.length;
      waiters += lock.waiters.length;
    }
    const waited = elapsed(waitedLastMinuteMs);
    const { length } = survey.locks;
    const long = `holdfast top: ${length} locks, ${holders} holders, ${waiters} waiters, ${waited} waited in the last minute`;
    const short = `${length} locks ${holders} held ${waiters} waiting ${waited}/min`;
    return { text: long.length <= columns ? long : short, style: 'title' };
  }

  #footer(columns: number): ViewLine {
    if (this.#isTyping) return { text: `filter: ${this.#filter}_`, style: 'title' };
    const state = [
      ...(this.#filter === '' ? [] : [`filter: ${this.#filter}`]),
      ...(this.#sort === 'waiting' ? [] : [`by ${this.#sort}`]),
    ].join('  ');
    const keys = this.#page === 'list' ? KEYS : 'Esc back  c commands  q quit';
    const short = this.#page === 'list' ? 'Enter / s b c q' : 'Esc c q';
    const text = [state, keys].filter((part) => part !== '').join('  ');
    return { text: text.length <= columns ? text : `${state} ${short}`.trim(), style: 'dim' };
  }
}

const MARK = '> ';
const BLANK: ViewLine = { text: '', style: 'plain' };

/** `12 (a) waits for x, 13 (b) for y`: of each link what it waits for. */
function cycleInShort(cycle: readonly DeadlockLink[]): string {
  return cycle
    .map(({ pid, program, waitsFor }, index) => {
      const name = waitsFor.startsWith('/') ? asTypedHere(waitsFor) : waitsFor;
      return `${pid}${program === undefined ? '' : ` (${program})`} ${index === 0 ? 'waits ' : ''}for ${name}`;
    })
    .join(', ');
}

function textOf({ address, backend, holders, waiters }: RankedLock): string {
  const names = [...holders, ...waiters].map(({ pid, program }) => `${pid} ${program}`);
  return [address, backend, ...names].join(' ');
}

function since({ holders }: RankedLock): number {
  return holders[0]?.sinceAtMs ?? Infinity;
}

/** Never wrapped at spaces: it is there to be copied. */
function pieces(text: string, columns: number): string[] {
  return text.match(new RegExp(`.{1,${columns}}`, 'gu')) ?? [];
}
