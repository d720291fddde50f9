import { newHolderId, type ProcessIdentity } from '../core/holder.js';
import { bootId, ownIdentity } from '../platform/identity.js';

/** Characters of the target's name that its temp files repeat, so that people see what an orphan belongs to. */
const STEM_LENGTH = 40;

const FORM =
  /^\..*\.([lp])(?:-([0-9a-z]+))(?:-([0-9a-z]*))(?:-([0-9a-z]*))(?:-([0-9a-z]*))(?:-([0-9a-f]*))-([a-z2-7]{26})\.holdfast-tmp$/s;

/** What the name of a temp file says about its writer. */
export interface TempOwner {
  /** The writer holds flock on the temp as long as it may still use it. Otherwise only its death frees the temp. */
  readonly isLocked: boolean;
  readonly pid: number;
  readonly startTime: number | undefined;
  readonly pidNamespace: number | undefined;
  readonly timeNamespace: number | undefined;
  /** The first eight digits of the boot id; empty where the system has none. */
  readonly boot: string;
}

/**
 * A name for one temp file of this process beside its target; never the same twice. It carries the writer's
 * identity because a record inside could only be written after the file exists, and a crash comes in between.
 */
export function newTempName(targetName: string, isLocked: boolean): string {
  const stem = Array.from(targetName).slice(0, STEM_LENGTH).join('');
  return `.${stem}.${isLocked ? 'l' : 'p'}${ownPart()}-${newHolderId()}.holdfast-tmp`;
}

let own: { readonly pid: number; readonly text: string } | undefined;

function ownPart(): string {
  if (own?.pid === process.pid) return own.text;
  const { pid, startTime, pidNamespace, timeNamespace } = ownIdentity();
  const numbers = [pid, startTime, pidNamespace, timeNamespace].map((value) => value?.toString(36) ?? '');
  own = { pid: process.pid, text: `-${numbers.join('-')}-${bootPart(bootId())}` };
  return own.text;
}

/** Undefined for every name that is not of a temp file of ours. */
export function parseTempName(name: string): TempOwner | undefined {
  const match = FORM.exec(name);
  if (match === null) return undefined;
  const [, mark, pid, startTime, pidNamespace, timeNamespace, boot] = match as unknown as string[];
  return {
    isLocked: mark === 'l',
    pid: Number.parseInt(pid as string, 36),
    startTime: numberOf(startTime),
    pidNamespace: numberOf(pidNamespace),
    timeNamespace: numberOf(timeNamespace),
    boot: boot as string,
  };
}

/** Whether the temp was made in this very boot of this kernel; undefined where that cannot be known. */
export function isOfThisBoot(owner: TempOwner): boolean | undefined {
  return owner.boot === '' || bootId() === undefined ? undefined : owner.boot === bootPart(bootId());
}

/** The owner in the form that `isProcessAlive` judges. */
export function identityOf(owner: TempOwner): ProcessIdentity {
  const { pid, startTime, pidNamespace, timeNamespace } = owner;
  const boot = isOfThisBoot(owner) === true ? bootId() : owner.boot;
  return { pid, startTime, pidNamespace, timeNamespace, bootId: boot };
}

function bootPart(id: string | undefined): string {
  return (id ?? '').replaceAll('-', '').slice(0, 8);
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined || text === '' ? undefined : Number.parseInt(text, 36);
}
