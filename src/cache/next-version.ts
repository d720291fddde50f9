import type { Clock } from '../core/time.js';
import { newHolderId } from '../core/holder.js';
import type { Reading } from './file-reader.js';
import { encodeCache, type CacheContent, type CacheMeta } from './format.js';
import type { Ttl } from './freshness.js';
import type { AnswerFacts, Source, SourceResult } from './source.js';

/** What a refresh knows besides the source's result. */
export interface RefreshFacts {
  readonly fetch: CacheMeta['fetch'];
  readonly ttlMs: Ttl | undefined;
  readonly fencingToken: bigint | undefined;
}

/** The file that takes the place of `found`: the new payload, or the old one confirmed. */
export function nextVersion<T>(
  found: Reading<T>,
  result: SourceResult,
  source: Source<T>,
  { clock, ...facts }: RefreshFacts & { readonly clock: Clock },
): { readonly bytes: Buffer; readonly content: CacheContent } {
  const old = found.kind === 'ok' ? found.content : undefined;
  const isNew = result.kind === 'new';
  if (!isNew && old === undefined)
    throw new TypeError('The source says "unchanged", but there is nothing yet.');
  const { format, data } = isNew ? result.payload : { format: old!.meta.format, data: old!.data };
  const answer = isNew ? result.facts : { ...answerFacts(old!.meta), ...result.facts };
  const meta: CacheMeta = {
    format,
    fetchedAtMs: clock.wallNow(),
    ttlMs: facts.ttlMs === Infinity ? null : (facts.ttlMs ?? old?.meta.ttlMs),
    fetch: facts.fetch,
    source: source.name,
    sourceId: source.id,
    ...answer,
    fencingToken: facts.fencingToken?.toString(),
  };
  return encodeCache({ generation: nextGeneration(found, clock), contentId: newHolderId() }, meta, data);
}

function answerFacts(meta: CacheMeta): AnswerFacts {
  const { etag, lastModified, answeredBy, contentType, server, hasByteOrderMark } = meta;
  return { etag, lastModified, answeredBy, contentType, server, hasByteOrderMark };
}

/** Above everything that was ever readable. Where not even a number is left, seconds since 1970 are above any count. */
function nextGeneration<T>(found: Reading<T>, clock: Clock): number {
  if (found.kind === 'ok') return found.version.header.generation + 1;
  if (found.kind === 'missing') return 1;
  return (found.generation ?? Math.floor(clock.wallNow() / 1_000)) + 1;
}
