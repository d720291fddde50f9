import type { FileSystemKind } from '../platform/filesystem.js';
import type { CheckId, Finding } from './finding.js';
import type { KnownFlaw } from './known.js';

/** `unsafe`: do not use it there. `unknown`: it was not refuted, but what was seen does not prove it. */
export type Verdict = 'safe' | 'unsafe' | 'unknown';

export type JudgedBackend = 'flock' | 'lease';

export interface Judgement {
  readonly verdict: Verdict;
  readonly reasons: readonly string[];
}

/** How far apart the two parties were. */
export type View = 'two hosts' | 'two mounts' | 'one mount';

export interface Evidence {
  readonly findings: readonly Finding[];
  readonly flaws: readonly KnownFlaw[];
  readonly fileSystem: FileSystemKind;
  readonly view: View;
}

/** What each backend stands on. What the others check is reported, and decides nothing. */
const BASIS: Readonly<Record<JudgedBackend, readonly CheckId[]>> = {
  flock: ['flock', 'flock freed', 'flock shared'],
  lease: ['rename', 'birth', 'lease', 'lease takeover'],
};

/** A backend that lacks only this works for callers that do not use it. */
const DISPENSABLE: ReadonlySet<CheckId> = new Set<CheckId>(['flock shared']);

/** RFC 8881, 8.4.3: the server gives the locks of a client away when that was silent for its lease. */
const NFS_CAVEAT =
  'a host that is cut off for longer than the lease of its server loses it without notice; lease:PATH notices';

export function judge(backend: JudgedBackend, { findings, flaws, fileSystem, view }: Evidence): Judgement {
  const basis = findings.filter(({ check }) => BASIS[backend].includes(check));
  const reasonsFor = (isMeant: (finding: Finding) => boolean): string[] =>
    basis.filter(isMeant).map(({ check, detail }) => (check === backend ? detail : `${check}: ${detail}`));

  const known = flaws.filter((flaw) => flaw.backend === backend).map(({ reason }) => reason);
  const against = reasonsFor(
    ({ check, outcome }) => outcome === 'broken' || (outcome === 'refused' && !DISPENSABLE.has(check)),
  );
  if (known.length + against.length > 0) return { verdict: 'unsafe', reasons: [...known, ...against] };

  const open = reasonsFor(({ outcome }) => outcome === 'unknown');
  const missing = BASIS[backend].filter((check) => !basis.some((finding) => finding.check === check));
  if (missing.length > 0) open.push(`not tried: ${missing.join(', ')}`);
  if (view === 'one mount' && fileSystem.kind !== 'local') {
    const whose =
      fileSystem.kind === 'network'
        ? `${fileSystem.name} is shared with other hosts`
        : `${fileSystem.name} may be shared with other hosts`;
    open.push(`${whose}, and both processes were on this mount: name one of another host with --peer`);
  }
  if (open.length > 0) return { verdict: 'unknown', reasons: open };
  const lacking = reasonsFor(({ outcome }) => outcome === 'refused');
  const caveats = backend === 'flock' && fileSystem.name === 'nfs' ? [NFS_CAVEAT] : [];
  const seen = reasonsFor(({ check }) => check === backend);
  return { verdict: 'safe', reasons: [...seen, ...lacking, ...caveats] };
}
