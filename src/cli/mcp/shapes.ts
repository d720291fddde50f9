import { z } from './sdk.js';

// Shapes of what tools take and return. Tokens are decimal strings, as in all JSON of holdfast.

export const claimId = z
  .string()
  .min(1)
  .max(200)
  .describe('What the user calls it: issue-42, #42, feature/x');

export const claimShape = z.looseObject({
  id: z.string(),
  agent: z.string(),
  token: z.string().describe('Fencing token'),
  sinceAt: z.string(),
  branch: z.string().optional(),
  reason: z.string().optional(),
  note: z.string().optional(),
  isMine: z.boolean(),
  isStale: z.boolean().describe('No process has renewed it for long: it may be stolen'),
  isQuiet: z.boolean().describe('Alive, without progress for long'),
});

export const itemShape = z.looseObject({
  id: z.string(),
  outcome: z.string(),
  claim: claimShape.optional().describe('Who has it'),
  cause: z.string().optional(),
});

export const next = z.string().describe('What to do now');

export const resultShape = { outcome: z.string(), items: z.array(itemShape), next };

export const heldLockShape = z.looseObject({ name: z.string(), address: z.string() });
