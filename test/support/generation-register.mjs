import { decodeBody, encodeBody } from '../../dist/backends/register/body.js';

/**
 * A register whose versions are integers and whose answers look nothing like S3's: what another store (GCS, Azure, DynamoDB)
 * would need. `url` is that of a store of `holdfast/testing`.
 */
export class GenerationRegister {
  #url;

  constructor(url) {
    this.#url = url;
  }

  async read(name, known, budgetMs) {
    const answer = await fetch(this.#at(name), { signal: AbortSignal.timeout(Math.ceil(budgetMs)) });
    const text = await answer.text();
    if (answer.status === 404) return { kind: 'absent' };
    if (answer.status !== 200) throw new Error(`the store answered ${answer.status}`);
    const version = answer.headers.get('x-generation');
    if (known?.version === version) return known;
    const body = decodeBody(text);
    return 'format' in body
      ? { kind: 'foreign', format: body.format, version }
      : { kind: 'value', body, version };
  }

  async write(name, body, version, budgetMs) {
    try {
      const answer = await fetch(this.#at(name), {
        method: 'PUT',
        headers: { 'x-generation-match': version ?? '0' },
        body: encodeBody(body),
        signal: AbortSignal.timeout(Math.ceil(budgetMs)),
      });
      await answer.arrayBuffer();
      if (answer.status === 412) return { kind: 'conflict' };
      if (answer.status === 429) return { kind: 'not-landed' };
      if (answer.status === 200) return { kind: 'landed', version: answer.headers.get('x-generation') };
      return { kind: 'unknown', error: new Error(`the store answered ${answer.status}`) };
    } catch (error) {
      return { kind: 'unknown', error };
    }
  }

  #at(name) {
    return `${this.#url}/generations/${encodeURIComponent(name)}?generation`;
  }
}
