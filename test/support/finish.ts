import { AsyncLocalStorage } from 'node:async_hooks';
import { onTestFinished, test, type TestContext } from 'vitest';

const running = new AsyncLocalStorage<TestContext>();

/** A test that runs at the same time as its neighbours of this kind: for tests that spend their time waiting. */
export function together(name: string, run: () => Promise<void>): void {
  test.concurrent(name, (context) => running.run(context, run));
}

/** Calls `undo` when the running test ends. Vitest's own hook does not know which of several tests called it. */
export function whenFinished(undo: () => unknown): void {
  const finish = async (): Promise<void> => void (await undo());
  const context = running.getStore();
  if (context === undefined) onTestFinished(finish);
  else context.onTestFinished(finish);
}
