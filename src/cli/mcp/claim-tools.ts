import {
  claim,
  history,
  list,
  note,
  pathClaimId,
  release,
  steal,
  type Claim,
  type ClaimResult,
} from '../../claims/index.js';
import { claimJson, withClaimJson } from '../json.js';
import type { AgentSession } from './agent-session.js';
import { answered } from './answer.js';
import { z, type McpServer } from './sdk.js';
import { claimId, claimShape, heldLockShape, itemShape, next, resultShape } from './shapes.js';

const LONGEST_WAIT_S = 600;
const EVENTS_SHOWN = 10;

/** Of each outcome, what the agent does next. */
const NEXT: Readonly<Record<string, string>> = {
  claimed: 'It is yours. Work on it, note progress, then release it. It is renewed for you.',
  'already-held': 'It was yours already. Go on with it.',
  contended: 'Another agent has it. Take something else, or call claim with wait. Steal only what isStale.',
  lost: 'It was yours and was taken. Stop working on it.',
  unconfirmed:
    'A push had no answer: it may be yours or not. Do not work on it. Call claim again with the same ids.',
  done: 'All of them are done.',
  released: 'Done. Claim the next item.',
  'not-held': 'You do not have it. Call list to see what you have.',
  noted: 'The others see it.',
  failed: 'The remote refused. Read cause; ask the person who leads.',
  stolen: 'It is yours now. Look at its history with show before you go on.',
};

export function nextFor(outcome: string): string {
  return NEXT[outcome] ?? 'Read cause.';
}

/** Tools about work items. */
export function addClaimTools(server: McpServer, session: AgentSession): void {
  server.registerTool(
    'claim',
    {
      title: 'Claim work items',
      description:
        'Claim work items and paths before working on them: all or none. Outcomes: claimed, already-held, contended (another agent has one; see claim), lost, unconfirmed.',
      inputSchema: {
        ids: z.array(claimId).default([]),
        reason: z.string().max(1000).describe('What you are going to do, for the others'),
        branch: z.string().optional().describe('Git branch on which you work; its commits count as progress'),
        paths: z.array(z.string()).optional().describe('Files and folders you will change: src/parser/'),
        wait: z
          .union([z.boolean(), z.number().min(0).max(LONGEST_WAIT_S)])
          .optional()
          .describe('Seconds to wait while another agent has it; true is 60'),
      },
      outputSchema: resultShape,
      annotations: { idempotentHint: true, destructiveHint: false, openWorldHint: true },
    },
    (input, { signal }) => answered(() => claimed(session, input, signal)),
  );
  server.registerTool(
    'release',
    {
      title: 'Release work items',
      description:
        'Release what you have claimed; all of it without ids. done: finished, so that other agents pass it over.',
      inputSchema: {
        ids: z.array(claimId).optional(),
        done: z.boolean().optional(),
      },
      outputSchema: { items: z.array(itemShape), next },
      annotations: { idempotentHint: true, destructiveHint: false, openWorldHint: true },
    },
    ({ ids, done = false }) =>
      answered(async () => {
        const items = await release(ids?.length === 0 ? undefined : ids, { ...session.options, done });
        for (const { id, outcome } of items) if (outcome !== 'unconfirmed') session.forget(id);
        const odd = items.find(({ outcome }) => outcome !== 'released');
        return { items: items.map(withClaimJson), next: nextFor(odd?.outcome ?? 'released') };
      }),
  );
  server.registerTool(
    'note',
    {
      title: 'Note progress',
      description:
        'Publish one line on how far you are with a claim. Without notes or commits a claim is marked quiet.',
      inputSchema: { id: claimId, text: z.string().min(1).max(1000) },
      outputSchema: { id: z.string(), outcome: z.string(), claim: claimShape.optional(), next },
      annotations: { destructiveHint: false, openWorldHint: true },
    },
    ({ id, text }) =>
      answered(async () => {
        const item = await note(id, text.replace(/\s+/g, ' ').trim(), session.options);
        if (item.outcome === 'noted') session.note(item.claim);
        return { ...withClaimJson(item), next: nextFor(item.outcome) };
      }),
  );
  server.registerTool(
    'steal',
    {
      title: 'Take a stale claim',
      description:
        'Take a claim whose holder is gone. Refused unless isStale; then ask the person who leads.',
      inputSchema: { id: claimId, reason: z.string().min(1).max(1000) },
      outputSchema: { id: z.string(), outcome: z.string(), claim: claimShape.optional(), next },
      annotations: { destructiveHint: true, openWorldHint: true },
    },
    ({ id, reason }) =>
      answered(async () => {
        const { previous, ...result } = await steal(id, { ...session.options, reason });
        if (result.outcome !== 'contended' && result.outcome !== 'unconfirmed') session.note(result.claim);
        const from = previous === undefined ? {} : { previous: claimJson(previous) };
        return { ...withClaimJson(result), ...from, next: nextFor(result.outcome) };
      }),
  );
  addReadTools(server, session);
}

interface ClaimInput {
  readonly ids: readonly string[];
  readonly reason: string;
  readonly branch?: string | undefined;
  readonly paths?: readonly string[] | undefined;
  readonly wait?: boolean | number | undefined;
}

async function claimed(session: AgentSession, input: ClaimInput, signal: AbortSignal): Promise<object> {
  const { cwd, env, signal: ending } = session.options;
  const ids = [...input.ids, ...(input.paths ?? []).map((path) => pathClaimId(path, cwd, env))];
  const waitS = input.wait === true ? 60 : input.wait === false ? 0 : (input.wait ?? 0);
  const result: ClaimResult = await claim(ids, {
    ...session.options,
    reason: input.reason.replace(/\s+/g, ' ').trim() || 'no reason given',
    ...(input.branch !== undefined && { branch: input.branch }),
    waitMs: waitS * 1_000,
    signal: ending === undefined ? signal : AbortSignal.any([signal, ending]),
  });
  for (const item of result.items) if (item.claim?.isMine === true) session.note(item.claim);
  return { ...result, items: result.items.map(withClaimJson), next: nextFor(result.outcome) };
}

const READ_ONLY = { readOnlyHint: true, openWorldHint: true };

function addReadTools(server: McpServer, session: AgentSession): void {
  server.registerTool(
    'list',
    {
      title: 'List claims',
      description: 'Who works on what, as the remote reports now, and the locks that you hold.',
      inputSchema: { mine: z.boolean().optional() },
      outputSchema: {
        claims: z.array(claimShape),
        broken: z.array(z.looseObject({ id: z.string(), problem: z.string() })),
        lost: z.array(z.string()).describe('Yours until another agent took them'),
        locks: z.array(heldLockShape),
      },
      annotations: READ_ONLY,
    },
    ({ mine = false }) =>
      answered(async () => {
        const { claims, broken, lost } = await list(session.options);
        const shown = claims.filter(({ isMine }) => isMine || !mine);
        const locks = [...session.locks].map(([name, { address }]) => ({ name, address }));
        return { claims: shown.map(claimJson), broken, lost, locks };
      }),
  );
  server.registerTool(
    'show',
    {
      title: 'Show a claim',
      description: 'One claim and its last events, the latest first.',
      inputSchema: { id: claimId },
      outputSchema: {
        id: z.string(),
        claim: claimShape.optional(),
        events: z.array(z.looseObject({ event: z.string().optional(), agent: z.string().optional() })),
      },
      annotations: READ_ONLY,
    },
    ({ id }) =>
      answered(async () => {
        const current = await findClaim(session, id);
        const events = await history(id, { ...session.options, limit: EVENTS_SHOWN });
        return {
          id,
          ...(current && { claim: claimJson(current) }),
          events: events.map(({ generation, ...entry }) => ({
            ...entry,
            ...(generation !== undefined && { token: generation }),
          })),
        };
      }),
  );
}

export async function findClaim({ options }: AgentSession, id: string): Promise<Claim | undefined> {
  const { claims } = await list(options);
  return claims.find((current) => current.id.toLowerCase() === id.toLowerCase());
}
