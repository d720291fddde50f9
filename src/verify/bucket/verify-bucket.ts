import type { S3Client } from '../../backends/s3/index.js';
import { forgetProof, openBucket, s3Error, S3Refusal } from '../../backends/s3/index.js';
import { parseAddress } from '../../core/address.js';
import { systemClock } from '../../platform/clock.js';
import type { Verdict } from '../judge.js';
import { checkCreate, checkQuotes, checkSwap, checkSwapOfNothing, type Learned } from './conditions.js';
import { type BucketCheckId, type BucketFinding, finding } from './finding.js';
import { Probes } from './probe.js';
import { checkRacingCreates, checkRacingSwaps } from './races.js';
import { checkReadAfterWrite } from './sight.js';
import { checkDelete, checkListing, checkSignatureClock, checkVersioning } from './surroundings.js';

export interface BucketVerifyOptions {
  /** Objects that are raced for, 1 to 10 000. */
  readonly rounds?: number;
  readonly signal: AbortSignal;
  /** Called before each check. */
  readonly onCheck?: (check: BucketCheckId) => void;
}

export interface BucketReport {
  /** Without the name of a lock and without parameters. */
  readonly address: string;
  readonly backend: 's3';
  readonly server: string;
  readonly verdict: Verdict;
  readonly isSafe: boolean;
  readonly reasons: readonly string[];
  readonly findings: readonly BucketFinding[];
  readonly requests: number;
  /** Objects that could not be removed, as a sentence. */
  readonly leftBehind?: string;
}

const DEFAULT_ROUNDS = 100;
const WRITERS = 32;
/** Reads after a write, for each key that is raced for. */
const READS_PER_ROUND = 10;

/** What decides whether two could hold one lock. The other checks are reported, and decide nothing. */
const BASIS: readonly BucketCheckId[] = [
  'create',
  'quotes',
  'swap',
  'swap of nothing',
  'racing creates',
  'racing swaps',
];

/** Worth a line although locks exclude: no step of theirs depends on a reading that is new. */
const CAVEATS: readonly BucketCheckId[] = ['read after write', 'versioning'];

type Check = readonly [BucketCheckId, () => Promise<BucketFinding>];

/**
 * Proves or refutes, on objects of its own, that a store honours each condition which locks stand on. About 85 requests
 * for each round: 8 500 by default.
 *
 * @param address `s3://BUCKET/PREFIX` with its parameters, without a name.
 * @throws LockError when the store cannot be asked; the reason of `signal` when that aborts. Not guaranteed: what
 *   holds in some thousand writes may fail in the next.
 */
export async function verifyBucket(address: string, options: BucketVerifyOptions): Promise<BucketReport> {
  const { target } = parseAddress(`${address}#verify`);
  const client = openBucket(target, systemClock);
  const probes = new Probes(client, options.signal);
  const findings: BucketFinding[] = [];
  let left = 0;
  try {
    await runChecks(probes, findings, options);
  } catch (error) {
    if (options.signal.aborted) throw error;
    throw s3Error(error, client.config.display, client.config);
  } finally {
    left = await probes.remove();
  }
  return report(client, probes, findings, left);
}

async function runChecks(
  probes: Probes,
  findings: BucketFinding[],
  { rounds = DEFAULT_ROUNDS, signal, onCheck }: BucketVerifyOptions,
): Promise<void> {
  const learned: Learned = { isUnquoted: false };
  const size = { keys: rounds, writers: WRITERS };
  const checks: readonly Check[] = [
    ['create', () => checkCreate(probes)],
    ['quotes', () => checkQuotes(probes, learned)],
    ['swap', () => checkSwap(probes, learned)],
    ['swap of nothing', () => checkSwapOfNothing(probes, learned)],
    ['read after write', () => checkReadAfterWrite(probes, rounds * READS_PER_ROUND, learned)],
    ['racing creates', () => checkRacingCreates(probes, size)],
    ['racing swaps', () => checkRacingSwaps(probes, size, learned)],
    ['versioning', () => checkVersioning(probes)],
    ['signature clock', () => checkSignatureClock(probes, systemClock)],
    ['listing', () => checkListing(probes)],
    ['delete', () => checkDelete(probes, learned)],
  ];
  for (const [check, run] of checks) {
    signal.throwIfAborted();
    onCheck?.(check);
    findings.push(await run().catch((error: unknown) => unclear(check, error, findings)));
  }
}

/** A store that answers one question by an error may have answered others; one that refuses access ends it. */
function unclear(check: BucketCheckId, error: unknown, before: readonly BucketFinding[]): BucketFinding {
  const isOutage = error instanceof S3Refusal && error.status >= 500;
  const isRefuted = before.some(({ outcome }) => outcome === 'broken');
  if (!(error instanceof S3Refusal) || !(isOutage || isRefuted)) throw error;
  return finding(check, 'unknown', error.message, { status: error.status });
}

async function report(
  client: S3Client,
  probes: Probes,
  findings: readonly BucketFinding[],
  left: number,
): Promise<BucketReport> {
  const { config } = client;
  const basis = findings.filter(({ check }) => BASIS.includes(check));
  const broken = basis.filter(({ outcome }) => outcome === 'broken');
  const unknown = basis.filter(({ outcome }) => outcome === 'unknown');
  const verdict: Verdict = broken.length > 0 ? 'unsafe' : unknown.length > 0 ? 'unknown' : 'safe';
  const caveats = findings.filter(
    ({ check, outcome }) => CAVEATS.includes(check) && (outcome === 'refused' || outcome === 'broken'),
  );
  const against = verdict === 'unsafe' ? broken : verdict === 'unknown' ? unknown : caveats;
  // What a first use remembers must not outlive what was seen now.
  if (verdict === 'unsafe') await forgetProof(config);
  const folder = `s3://${config.bucket}/${probes.folder}`;
  return {
    address: config.display,
    backend: 's3',
    server: config.server,
    verdict,
    isSafe: verdict === 'safe',
    reasons: against.map(({ check, detail }) => `${check}: ${detail}`),
    findings,
    requests: probes.requests,
    ...(left > 0 && { leftBehind: `${left} objects below ${folder}` }),
  };
}
