import { isLockError } from '../../core/errors.js';
import { toJson } from '../envelope.js';
import type { CallToolResult } from './sdk.js';

/** A result as text and as structured content, which are the same. */
export function answer(data: object): CallToolResult {
  const text = toJson(data);
  return {
    content: [{ type: 'text', text }],
    structuredContent: JSON.parse(text) as Record<string, unknown>,
  };
}

/** What a tool answers, or what went wrong with its next step. Contention is no error: it is a result. */
export async function answered(run: () => Promise<object>): Promise<CallToolResult> {
  try {
    return answer(await run());
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const code = isLockError(error) ? `${error.code}: ` : '';
    return { isError: true, content: [{ type: 'text', text: `${code}${error.message}` }] };
  }
}
