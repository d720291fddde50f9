import { spawn, type ChildProcess } from 'node:child_process';
import { basename } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

import { CLI } from '../support/cli.js';
import { whenFinished } from '../support/finish.js';
import { GIT_ENV } from '../support/git-remotes.js';

export interface Answer {
  readonly isError: boolean;
  readonly text: string;
  /** Structured content; empty in an error. */
  readonly data: Record<string, unknown>;
}

export interface AgentClient {
  readonly client: Client;
  readonly pid: number;
  call(name: string, args?: Record<string, unknown>): Promise<Answer>;
}

export function serverEnvironment(clone: string, env: NodeJS.ProcessEnv): Record<string, string> {
  const all = { ...GIT_ENV, HOLDFAST_AGENT: basename(clone), ...env };
  return Object.fromEntries(
    Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** A scripted client of the official SDK, and `holdfast mcp` in that clone as its server. */
export async function agentIn(
  clone: string,
  words: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<AgentClient> {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [CLI, 'mcp', ...words],
    cwd: clone,
    env: serverEnvironment(clone, env),
    stderr: 'ignore',
  });
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(transport);
  whenFinished(() => client.close());
  return {
    client,
    pid: transport.pid as number,
    async call(name, args = {}) {
      const result = await client.callTool({ name, arguments: args });
      const [content] = result.content as { text: string }[];
      const data = (result.structuredContent ?? {}) as Record<string, unknown>;
      return { isError: result.isError === true, text: content?.text ?? '', data };
    },
  };
}

/** The server alone, with pipes that the test holds. */
export function startServer(
  clone: string,
  words: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): ChildProcess {
  const child = spawn(process.execPath, [CLI, 'mcp', ...words], {
    cwd: clone,
    env: serverEnvironment(clone, env),
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  whenFinished(() => void child.kill('SIGKILL'));
  return child;
}
