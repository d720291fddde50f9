import { z, type McpServer } from './sdk.js';

/** What a person picks from a menu. */
export function addPrompts(server: McpServer): void {
  const user = (text: string): { messages: { role: 'user'; content: { type: 'text'; text: string } }[] } => ({
    messages: [{ role: 'user', content: { type: 'text', text } }],
  });
  server.registerPrompt(
    'next-item',
    {
      title: 'Work on the next item',
      description: 'Pick the next free work item, claim it, do it, release it',
      argsSchema: { items: z.string().optional().describe('Ids to choose from, separated by commas') },
    },
    ({ items }) =>
      user(
        `Pick the next free work item${items === undefined ? '' : ` among: ${items}`}. Call list; try claim with one id after the other, with a reason and your branch, until the outcome is claimed or already-held. Work on it. Call note at each step that the others should know of. When it is finished and pushed, call release with done: true. If every item is contended, say so and stop.`,
      ),
  );
  server.registerPrompt(
    'hand-over',
    {
      title: 'Hand a work item over',
      description: 'Note the state of a claim for the next agent, and release it',
      argsSchema: { id: z.string().describe('Id of the claim') },
    },
    ({ id }) =>
      user(
        `Hand ${id} over: push what you have to its branch, call note with one line on what is done, what is left and where to go on, then release it without done. Do not work on it after that.`,
      ),
  );
}
