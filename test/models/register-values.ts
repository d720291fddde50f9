import { decodeBody, type Body } from '../../src/backends/register/body.js';
import type { Reading } from '../../src/backends/register/register.js';

/** A write on its way; its version is the content that it is to replace. */
export interface LateWrite {
  readonly text: string;
  readonly version: string | undefined;
}

export function bodyOf(text: string): Body {
  const body = decodeBody(text);
  if ('format' in body) throw new Error(`no body of ours: ${text}`);
  return body;
}

export function readingOf(text: string): Reading {
  return { kind: 'value', body: bodyOf(text), version: text };
}

/** For stories: what a write changes. */
export function show({ text, version }: LateWrite): string {
  const short = (one: string): string => {
    const { generation, state } = bodyOf(one);
    return `${generation}.${state.kind}${state.kind === 'held' ? `.${state.holderId.slice(0, 2)}.${state.beat}` : ''}`;
  };
  return `${version === undefined ? 'nothing' : short(version)} -> ${short(text)}`;
}
