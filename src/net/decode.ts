import { pipeline, type Readable, type Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';

import { NetworkFailure } from './network-failure.js';

/** What {@link decoded} understands, for `accept-encoding`. */
export const DECODABLE = 'gzip, deflate, br';

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/**
 * The body without its content encodings. Strict: a compressed form that ends too early is an error, not a shorter body.
 *
 * @throws NetworkFailure for an encoding that was not asked for.
 */
export function decoded(body: Readable, contentEncoding: string | null): Readable {
  const names = (contentEncoding ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '' && name !== 'identity');
  return names.toReversed().reduce((stream, name) => {
    const decoder = Object.hasOwn(DECODERS, name) ? DECODERS[name] : undefined;
    if (decoder === undefined) {
      body.on('error', () => undefined).destroy();
      throw new NetworkFailure(`the answer has the encoding "${name}", which was not asked for`, {
        kind: 'request',
        isTransient: false,
      });
    }
    // The last stream's reader gets the error; the callback only keeps pipeline from throwing it.
    return pipeline(stream, decoder(), () => undefined);
  }, body);
}
