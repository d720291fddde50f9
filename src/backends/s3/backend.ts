import type { Backend } from '../../core/backend.js';
import type { LeaseClock } from '../../core/lease.js';
import type { Clock } from '../../core/time.js';
import { distUrl } from '../../platform/package-files.js';
import { RegisterBackend } from '../register/backend.js';
import { baseOf, renewalOf, type RenewalState } from '../register/own-hold.js';
import { Sightings } from '../register/sightings.js';
import type { Register } from '../register/register.js';
import { borrowedConfig, type S3ClientLike } from './borrowed.js';
import { S3Client } from './client.js';
import { s3Config, type S3Config } from './config.js';
import { usualCredentials } from './credentials.js';
import { s3Error } from './errors.js';
import { proveStore } from './proof-memory.js';
import { S3Register } from './register.js';

const RENEWAL = distUrl('backends/s3/renewal.js');

/** @param target the address without the name: `s3://BUCKET/PREFIX?endpoint=...`. */
export function createS3Backend(target: string, clock: Clock, leaseClock: LeaseClock): Backend {
  const config = s3Config(target);
  return backendOver(new S3Client(config, usualCredentials(config.profile), clock), clock, leaseClock, true);
}

/** With credentials, region and endpoint of the caller's own client, which cannot cross into a worker: renewed on the loop. */
export async function createBorrowedS3Backend(
  client: S3ClientLike,
  target: string,
  clock: Clock,
  leaseClock: LeaseClock,
): Promise<Backend> {
  const config = await borrowedConfig(client, target);
  const credentials = async () => client.config.credentials();
  return backendOver(new S3Client(config, credentials, clock), clock, leaseClock, false);
}

function backendOver(found: S3Client, clock: Clock, leaseClock: LeaseClock, isWorkerBound: boolean): Backend {
  const { config } = found;
  const store = new ProvenStore(found, clock);
  return new RegisterBackend({
    name: 's3',
    register: store.register,
    display: config.display,
    server: config.server,
    place: `${config.endpoint}/${config.bucket}/${config.prefix}`,
    clock,
    leaseClock,
    sightings: new Sightings(leaseClock),
    prove: () => store.prove(),
    renewal: (state: RenewalState) =>
      isWorkerBound
        ? { module: RENEWAL, shared: store.config, state }
        : renewalOf({ register: store.register, name: state.name, clock }, baseOf(state)),
    explain: (error, shown) => s3Error(error, shown, config),
  });
}

/** A store that is asked for nothing before it is known to compare, and from then on in the way it wants. */
class ProvenStore {
  readonly #clock: Clock;
  #client: S3Client;
  #proving: Promise<void> | undefined;
  /** Goes through the client that the proof chose. */
  readonly register: Register = {
    read: (name, known, budgetMs) => new S3Register(this.#client).read(name, known, budgetMs),
    write: (name, body, version, budgetMs) =>
      new S3Register(this.#client).write(name, body, version, budgetMs),
    list: () => new S3Register(this.#client).list(),
  };

  constructor(client: S3Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** The same object from the proof on: the worker of renewals is sent it once. */
  get config(): S3Config {
    return this.#client.config;
  }

  prove(): Promise<void> {
    this.#proving ??= this.#prove().catch((error: unknown) => {
      this.#proving = undefined;
      throw error;
    });
    return this.#proving;
  }

  async #prove(): Promise<void> {
    this.#client = await proveStore(this.#client, this.#clock);
  }
}
