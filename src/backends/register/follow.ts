/** A step leads to an effect and the state in which to take up its outcome, or to the end. */
export type Step<State, Result, Effect> =
  { readonly state: State; readonly effect: Effect } | { readonly result: Result };

/** Runs steps to their end. `act` never rejects: what failed is for the next step to judge. */
export async function follow<State, Result, Effect, Outcome>(
  first: Step<State, Result, Effect>,
  next: (state: State, outcome: Outcome) => Step<State, Result, Effect>,
  act: (effect: Effect) => Promise<Outcome>,
): Promise<Result> {
  let step = first;
  while ('effect' in step) {
    step = next(step.state, await act(step.effect));
  }
  return step.result;
}
