import { Duplex, pipeline, Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib';

import { NetworkFailure } from './network-failure.js';

/** What {@link decoded} understands, for `accept-encoding`. */
export const DECODABLE = 'gzip, deflate, br';

const DECODERS: Readonly<Record<string, () => Duplex>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createAnyInflate,
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

/** `deflate` is the zlib format (RFC 9110, 8.4.1.2), but some servers send it without zlib's header, as RFC 1951 has it. */
function createAnyInflate(): Duplex {
  return Duplex.from(async function* (source: AsyncIterable<Buffer>) {
    const parts = source[Symbol.asyncIterator]();
    const first = await parts.next();
    const isWrapped = first.done === true || ((first.value[0] ?? 8) & 0x0f) === 8;
    async function* all(): AsyncGenerator<Buffer> {
      for (let part = first; part.done !== true; part = await parts.next()) yield part.value;
    }
    yield* pipeline(
      Readable.from(all()),
      isWrapped ? createInflate() : createInflateRaw(),
      () => undefined,
    ) as AsyncIterable<Buffer>;
  });
}
