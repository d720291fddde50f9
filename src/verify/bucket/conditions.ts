import { type BucketFinding, finding } from './finding.js';
import { type Probes, tagFor } from './probe.js';

/** What one check leaves for the next ones. */
export interface Learned {
  /** Tags are sent without their quotes. */
  isUnquoted: boolean;
}

const CREATE = { create: true } as const;

/** `If-None-Match: *`, twice. */
export async function checkCreate(probes: Probes): Promise<BucketFinding> {
  const first = await probes.putPatiently('create', CREATE);
  if (first.kind === 'unknown') return finding('create', 'unknown', `no clear answer (${first.answer})`);
  if (first.kind === 'refused') {
    const detail = `it does not make what is not there (${first.answer})`;
    return finding('create', 'broken', detail, { answer: first.answer });
  }
  if (first.etag === undefined) return finding('create', 'broken', 'its answer to a write has no ETag');
  const second = await probes.putPatiently('create', CREATE);
  const figures = { first: first.answer, second: second.answer };
  if (second.kind === 'landed') {
    return finding('create', 'broken', 'it made an object that exists already (If-None-Match: *)', figures);
  }
  if (!(await probes.settles('create', (text) => text === first.text))) {
    return finding('create', 'broken', 'a write that it refused was carried out', figures);
  }
  if (second.kind === 'unknown') {
    return finding('create', 'unknown', `no clear answer (${second.answer})`, figures);
  }
  return finding('create', 'holds', `a second one is refused (${second.answer})`, figures);
}

/** With quotes, then without; each against the tag that stands. */
export async function checkQuotes(probes: Probes, learned: Learned): Promise<BucketFinding> {
  const made = await probes.putPatiently('quotes', CREATE);
  let etag = made.etag ?? (await probes.get('quotes'))?.etag;
  const taken: boolean[] = [];
  for (const isUnquoted of [false, true]) {
    if (etag === undefined) break;
    const put = await probes.putPatiently('quotes', { match: tagFor({ isUnquoted }, etag) });
    taken.push(put.kind === 'landed');
    etag = put.etag ?? (await probes.get('quotes'))?.etag;
  }
  const [quoted = false, unquoted = false] = taken;
  learned.isUnquoted = !quoted && unquoted;
  const figures = { quoted, unquoted };
  if (!quoted && !unquoted) {
    return finding('quotes', 'broken', 'it refuses writes whose condition holds', figures);
  }
  const detail = quoted ? 'a tag is taken with its quotes' : 'a tag is taken without quotes only';
  return finding('quotes', 'holds', detail, figures);
}

/** The tag that stands, then the one before. */
export async function checkSwap(probes: Probes, learned: Learned): Promise<BucketFinding> {
  const made = await probes.putPatiently('swap', CREATE);
  const first = made.etag ?? (await probes.get('swap'))?.etag;
  if (first === undefined) return finding('swap', 'unknown', `nothing to replace (${made.answer})`);
  const current = await probes.putPatiently('swap', { match: tagFor(learned, first) });
  if (current.kind !== 'landed') {
    const outcome = current.kind === 'unknown' ? 'unknown' : 'broken';
    return finding('swap', outcome, `a write whose condition holds is refused (${current.answer})`);
  }
  const stale = await probes.putPatiently('swap', { match: tagFor(learned, first) });
  const figures = { current: current.answer, stale: stale.answer };
  if (stale.kind === 'landed') {
    return finding('swap', 'broken', 'it replaced an object that had changed (If-Match)', figures);
  }
  if (!(await probes.settles('swap', (text) => text === current.text))) {
    return finding('swap', 'broken', 'a write that it refused was carried out', figures);
  }
  if (stale.kind === 'unknown')
    return finding('swap', 'unknown', `no clear answer (${stale.answer})`, figures);
  return finding('swap', 'holds', `a stale tag is refused (${stale.answer})`, figures);
}

/** `If-Match` where nothing is. */
export async function checkSwapOfNothing(probes: Probes, learned: Learned): Promise<BucketFinding> {
  const tag = '"00000000000000000000000000000000"';
  const put = await probes.putPatiently('nothing', { match: tagFor(learned, tag) });
  const figures = { answer: put.answer };
  const standing = await probes.get('nothing');
  if (put.kind === 'landed' || standing !== undefined) {
    return finding('swap of nothing', 'broken', 'it made an object by If-Match', figures);
  }
  if (put.kind === 'unknown') {
    return finding('swap of nothing', 'unknown', `no clear answer (${put.answer})`, figures);
  }
  return finding('swap of nothing', 'holds', `refused (${put.answer})`, figures);
}
