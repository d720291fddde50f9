/** How a store answers writes with conditions. */
export interface BucketStoreTraits {
  /** `If-None-Match: *`. */
  readonly honoursCreate: boolean;
  /** `If-Match`. */
  readonly honoursMatch: boolean;
  /** Its tags are compared with their quotes, which no tag in a header lacks: a quoted one never matches. */
  readonly isUnquoted: boolean;
  /** Of `If-Match` on what is not there. */
  readonly missing: 404 | 412;
  /** What a write gets that lost a race while it was under way. */
  readonly raceLoser: 409 | 412 | 500;
  /** Refuses what it should do, and does what it should refuse. */
  readonly isInverted?: boolean;
}

const FAIR = {
  honoursCreate: true,
  honoursMatch: true,
  isUnquoted: false,
  missing: 412,
  raceLoser: 412,
} as const satisfies BucketStoreTraits;

/** Stores as they were seen or are documented to behave in November 2026. The first four are fit for locks. */
export const BUCKET_STORE_MODES = {
  aws: { ...FAIR, missing: 404, raceLoser: 409 },
  r2: FAIR,
  tigris: FAIR,
  'ceph-rgw': { ...FAIR, isUnquoted: true, raceLoser: 500 },
  /** DigitalOcean Spaces: `If-Match` is ignored in silence. */
  'ignores-match': { ...FAIR, honoursMatch: false },
  /** Ceph with versioned buckets. */
  'ignores-create': { ...FAIR, honoursCreate: false },
  /** s3rver, mountx, maxio, and MinIO without its quorum. */
  'ignores-all': { ...FAIR, honoursCreate: false, honoursMatch: false },
  /** A development version of Ceph's posix driver. */
  inverted: { ...FAIR, isInverted: true },
} as const satisfies Readonly<Record<string, BucketStoreTraits>>;

/** Name of a mode of {@link BUCKET_STORE_MODES}. */
export type BucketStoreMode = keyof typeof BUCKET_STORE_MODES;
