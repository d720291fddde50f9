import { S3Client, usualCredentials } from '../../backends/s3/index.js';
import type { Clock } from '../../core/time.js';
import { type BucketFinding, finding } from './finding.js';
import { type Probes, tagFor } from './probe.js';
import type { Learned } from './conditions.js';

/** What decides nothing, but is good to know. */

export async function checkVersioning(probes: Probes): Promise<BucketFinding> {
  const answer = await probes.ask({ method: 'GET', query: 'versioning' });
  if (answer.status !== 200) {
    return finding('versioning', 'unknown', `the store does not say (${answer.status})`);
  }
  const text = Buffer.from(answer.bytes).toString('utf8');
  const status = /<Status>(\w+)<\/Status>/.exec(text)?.[1] ?? 'off';
  const figures = { status };
  if (status !== 'Enabled') return finding('versioning', 'holds', 'old versions are not kept', figures);
  return finding(
    'versioning',
    'refused',
    'it is on: each renewal of a lock leaves an old version, which costs storage',
    figures,
  );
}

const WRONG_BY_MS = 60 * 60_000;

/** A machine whose clock is an hour off must still get in, since locks sign by the store's clock then. */
export async function checkSignatureClock(probes: Probes, clock: Clock): Promise<BucketFinding> {
  const { config } = probes.client;
  const right = await probes.ask({ method: 'GET', key: probes.key('swap') });
  const date = right.headers['date'];
  const theirs = typeof date === 'string' ? Date.parse(date) : Number.NaN;
  const skewMs = Math.round(theirs - clock.wallNow());
  const figures = Number.isNaN(theirs) ? {} : { skewMs };
  const wrong: Clock = { ...clock, wallNow: () => clock.wallNow() + WRONG_BY_MS };
  const client = new S3Client(config, usualCredentials(config.profile), wrong);
  probes.requests++;
  const answer = await client.send({ method: 'GET', key: probes.key('swap'), budgetMs: 5_000 });
  const offset = Number.isNaN(theirs) ? '' : `; the store is ${describeSkew(skewMs)}`;
  if (answer.status === 200 || answer.status === 404) {
    return finding('signature clock', 'holds', `a clock an hour off gets in${offset}`, figures);
  }
  const detail = `a clock an hour off is kept out (${answer.status})${offset}`;
  return finding('signature clock', 'refused', detail, figures);
}

function describeSkew(skewMs: number): string {
  // The header has whole seconds.
  if (Math.abs(skewMs) <= 1_500) return 'in time with this host';
  return `${Math.round(Math.abs(skewMs) / 1_000)} s ${skewMs > 0 ? 'ahead of' : 'behind'} this host`;
}

/** `holdfast ls` needs it; locks do not. */
export async function checkListing(probes: Probes): Promise<BucketFinding> {
  const query = new URLSearchParams({ 'list-type': '2', prefix: `${probes.folder}/swap` });
  const answer = await probes.ask({ method: 'GET', query: String(query) });
  if (answer.status !== 200) {
    const detail = `not allowed (${answer.status}): "holdfast ls" does not work here`;
    return finding('listing', 'refused', detail);
  }
  const isListed = Buffer.from(answer.bytes).toString('utf8').includes('/swap</Key>');
  if (isListed) return finding('listing', 'holds', 'what was written is listed');
  return finding('listing', 'unknown', 'what was written is not listed yet');
}

/** Locks delete nothing: some stores ignore the condition here. */
export async function checkDelete(probes: Probes, learned: Learned): Promise<BucketFinding> {
  const made = await probes.putPatiently('delete', { create: true });
  if (made.etag === undefined) return finding('delete', 'unknown', `nothing to delete (${made.answer})`);
  const next = await probes.putPatiently('delete', { match: tagFor(learned, made.etag) });
  const headers = { 'if-match': tagFor(learned, made.etag) };
  const { status } = await probes.ask({ method: 'DELETE', key: probes.key('delete'), headers });
  const isThere = await probes.settles('delete', (text) => text === next.text);
  const figures = { answer: status };
  if (isThere) {
    return finding('delete', 'holds', `a stale tag protects from deletion (${status})`, figures);
  }
  return finding(
    'delete',
    'refused',
    `If-Match is ignored (${status}); locks delete nothing, so they do not mind`,
    figures,
  );
}
