/** How a store answers writes with conditions. */
export interface BucketStoreTraits {
  /** `If-None-Match: *`. */
  readonly honoursCreate: boolean;
  /** `If-Match` of a write. */
  readonly honoursMatch: boolean;
  /** `If-Match` of a deletion. */
  readonly honoursDelete: boolean;
  /** Its tags are compared with their quotes, which no tag in a header lacks: a quoted one never matches. */
  readonly isUnquoted: boolean;
  /** Of `If-Match` on what is not there. */
  readonly missing: 404 | 412;
  /** What a write gets that lost a race while it was under way. */
  readonly raceLoser: 409 | 412 | 500;
  /** Refuses what it should do, and does what it should refuse. */
  readonly isInverted?: boolean;
  /** Compares first and writes later: every racer gets a success. */
  readonly isRacy?: boolean;
  /** Writes to one object that come sooner after the last one get 429. */
  readonly writeEveryMs?: number;
  /** For so long after a write a read may show what was there before. */
  readonly staleForMs?: number;
  /** No read is answered. */
  readonly isUnreadable?: boolean;
  /** What it says of the versioning of a bucket. */
  readonly isVersioned?: boolean;
}

const FAIR = {
  honoursCreate: true,
  honoursMatch: true,
  honoursDelete: true,
  isUnquoted: false,
  missing: 412,
  raceLoser: 412,
} as const satisfies BucketStoreTraits;

const CEPH = { ...FAIR, honoursDelete: false, isUnquoted: true, raceLoser: 500 } as const;
const LIAR = { ...FAIR, honoursCreate: false, honoursMatch: false, honoursDelete: false } as const;

/** Stores as they were seen or are documented to behave in November 2026. */
export const BUCKET_STORE_MODES = {
  aws: { ...FAIR, missing: 404, raceLoser: 409 },
  /** AWS with versioning: conditions hold, and each write leaves an old version. */
  'aws-versioned': { ...FAIR, missing: 404, raceLoser: 409, isVersioned: true },
  r2: FAIR,
  tigris: FAIR,
  /** Tigris without its header for consistency: a read may be old. No lock depends on a read. */
  'stale-reads': { ...FAIR, staleForMs: 60 },
  minio: FAIR,
  'ceph-rgw': CEPH,
  hetzner: { ...CEPH, raceLoser: 412 },
  /** Google: one write a second for each object. Scaled down. */
  'slow-writes': { ...FAIR, writeEveryMs: 150 },
  /** DigitalOcean Spaces: `If-Match` is ignored in silence. */
  'ignores-match': { ...FAIR, honoursMatch: false, honoursDelete: false },
  /** Ceph with versioned buckets. */
  'ignores-create': { ...CEPH, honoursCreate: false, isVersioned: true },
  /** s3rver, mountx, maxio. */
  'ignores-all': LIAR,
  /** MinIO without its read quorum: reads fail, and writes go through whatever their condition. */
  'quorum-lost': { ...LIAR, isUnreadable: true },
  /** A development version of Ceph's posix driver. */
  inverted: { ...FAIR, isInverted: true },
  /** Conditions hold for one writer after the other, and not for two at once. Only a race shows it. */
  racy: { ...FAIR, isRacy: true },
} as const satisfies Readonly<Record<string, BucketStoreTraits>>;

/** The name of one of {@link BUCKET_STORE_MODES}. */
export type BucketStoreMode = keyof typeof BUCKET_STORE_MODES;
