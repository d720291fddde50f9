import { checkOptions } from '../core/check-options.js';
import { newHolderId } from '../core/holder.js';
import { Arbiter, landedTip, stolenChange, type RecordedTip } from '../backends/git/index.js';
import { gitHost } from '../locks/git-host.js';
import { fileNamespace } from '../locks/resolve.js';
import { CLAIMS_OPTIONS, inSession, type Claim, type ClaimsOptions } from './session.js';

/**
 * The name under which claims are made with these options.
 *
 * @throws LockError HOLDFAST_CONFIG_MISMATCH without a usable remote. TypeError for a name that no agent can have.
 */
export async function agentOf(options: ClaimsOptions = {}): Promise<string> {
  checkOptions(options, CLAIMS_OPTIONS);
  const { cwd = process.cwd(), env = process.env, agent, signing } = options;
  const remote = options.remote ?? env['HOLDFAST_REMOTE'];
  const arbiter = await Arbiter.open({ cwd, env, remote, agent, signing }, gitHost(fileNamespace()));
  return arbiter.agent;
}

/**
 * Takes over what this agent holds in this clone, each claim under a new token: what a process of the agent that came before
 * this one still believes to hold is no longer its own.
 *
 * @throws as `list` does.
 */
export async function resume(options: ClaimsOptions = {}): Promise<readonly Claim[]> {
  checkOptions(options, CLAIMS_OPTIONS);
  return inSession(options, async (session) => {
    const { agent, staleAfterMs, clock } = session;
    const own = (await session.lookAtAll()).filter(
      (tip): tip is RecordedTip => tip.kind === 'held' && session.isOwn(tip),
    );
    const changes = own.map((tip) => {
      const { reason } = tip.record;
      return stolenChange(
        tip.record.resource,
        tip,
        { agent, holderId: newHolderId(), staleAfterMs, reason },
        clock.wallNow(),
      );
    });
    if (changes.length === 0) return [];
    const outcomes = await session.publish(changes);
    return own.flatMap(({ ref, record }) => {
      const outcome = outcomes.get(ref);
      if (outcome?.kind !== 'landed') return [];
      session.store.journal.ended(ref, record.holderId);
      session.store.save();
      return [session.claimOf(landedTip(ref, outcome.attempted))];
    });
  });
}
