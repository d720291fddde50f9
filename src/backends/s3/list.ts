import { SERVER_ANSWER_MS } from '../../net/within.js';
import type { S3Client } from './client.js';
import { nameOf } from './config.js';
import { S3Refusal } from './errors.js';

/** The names of all locks that were ever held under the prefix; a thousand for each request. */
export async function listedNames(client: S3Client): Promise<readonly string[]> {
  const { prefix } = client.config;
  const names: string[] = [];
  let continuation: string | undefined;
  do {
    const query = new URLSearchParams({
      'list-type': '2',
      'encoding-type': 'url',
      prefix: prefix === '' ? '' : `${prefix}/`,
      ...(continuation !== undefined && { 'continuation-token': continuation }),
    });
    const answer = await client.send({ method: 'GET', query: String(query), budgetMs: SERVER_ANSWER_MS });
    if (answer.status !== 200) throw new S3Refusal(answer);
    const text = Buffer.from(answer.bytes).toString('utf8');
    for (const [, key = ''] of text.matchAll(/<Key>([^<]*)<\/Key>/g)) {
      const name = nameOf(client.config, decodeKey(key));
      if (name !== undefined) names.push(name);
    }
    const next = /<NextContinuationToken>([^<]*)<\/NextContinuationToken>/.exec(text)?.[1];
    continuation = next === undefined ? undefined : unescapeXml(next);
  } while (continuation !== undefined);
  return names;
}

/** With `encoding-type=url` a key comes percent-encoded, a space as `+`. */
function decodeKey(key: string): string {
  const plain = unescapeXml(key).replaceAll('+', ' ');
  try {
    return decodeURIComponent(plain);
  } catch {
    return plain;
  }
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => ENTITIES[name] ?? '');
}
