/** The part of protocol buffers that etcd's messages need. https://protobuf.dev/programming-guides/encoding */

/** `int`: any integer or enumeration; `text`: UTF-8, also where etcd has bytes. */
type Kind = 'int' | 'bool' | 'text' | Schema;

export interface Field {
  readonly no: number;
  readonly kind: Kind;
  readonly isList?: boolean;
}

export type Schema = Readonly<Record<string, Field>>;

/** Integers are encoded from numbers, bigints and decimal text, and decoded as bigints. */
export type Message = Readonly<Record<string, unknown>>;

const VARINT = 0;
const FIXED_64 = 1;
const BYTES = 2;
const FIXED_32 = 5;

/** Fields that are undefined are left out; others are written even where they are zero, which says which of a oneof it is. */
export function encode(schema: Schema, message: Message): Buffer {
  const parts: Buffer[] = [];
  for (const [name, { no, kind, isList }] of Object.entries(schema)) {
    const value = message[name];
    if (value === undefined) continue;
    for (const one of isList === true ? (value as readonly unknown[]) : [value]) {
      if (kind === 'int' || kind === 'bool') {
        parts.push(varint(BigInt((no << 3) | VARINT)), varint(BigInt(one as string | number | bigint)));
        continue;
      }
      const bytes = kind === 'text' ? Buffer.from(one as string) : encode(kind, one as Message);
      parts.push(varint(BigInt((no << 3) | BYTES)), varint(BigInt(bytes.length)), bytes);
    }
  }
  return Buffer.concat(parts);
}

/** Fields that are not in the schema are skipped; those that are not in the message are left out, but lists are empty. */
export function decode(schema: Schema, bytes: Buffer): Message {
  const message: Record<string, unknown> = {};
  const byNumber = new Map<number, readonly [string, Field]>();
  for (const [name, field] of Object.entries(schema)) {
    byNumber.set(field.no, [name, field]);
    if (field.isList === true) message[name] = [];
  }
  const reader = new Reader(bytes);
  while (!reader.isAtEnd) {
    const tag = Number(reader.varint());
    const found = byNumber.get(tag >> 3);
    const raw = reader.value(tag & 7);
    if (found === undefined || raw === undefined) continue;
    const [name, { kind, isList }] = found;
    const value = decoded(kind, raw);
    if (isList === true) (message[name] as unknown[]).push(value);
    else message[name] = value;
  }
  return message;
}

function decoded(kind: Kind, raw: bigint | Buffer): unknown {
  if (typeof raw === 'bigint') return kind === 'bool' ? raw !== 0n : BigInt.asIntN(64, raw);
  return kind === 'text' ? raw.toString() : decode(kind as Schema, raw);
}

function varint(value: bigint): Buffer {
  let rest = BigInt.asUintN(64, value);
  const bytes: number[] = [];
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** @throws RangeError for bytes that end within a number. */
  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.#bytes.readUInt8(this.#at++);
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  }

  /** Undefined for kinds that etcd does not use. @throws RangeError for a message that is cut off. */
  value(wireType: number): bigint | Buffer | undefined {
    if (wireType === VARINT) return this.varint();
    const length = wireType === BYTES ? Number(this.varint()) : fixedLength(wireType);
    const start = this.#at;
    this.#at += length;
    if (this.#at > this.#bytes.length) throw new RangeError('The message is cut off.');
    return wireType === BYTES ? this.#bytes.subarray(start, this.#at) : undefined;
  }
}

function fixedLength(wireType: number): number {
  if (wireType === FIXED_64) return 8;
  if (wireType === FIXED_32) return 4;
  throw new RangeError(`The message has wire type ${wireType}.`);
}
