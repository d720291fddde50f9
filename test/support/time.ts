/** How long nothing has to happen before a test believes that nothing will. */
export const quiescentMs = 250;
/** Nothing that works takes this long, even on a busy machine. */
export const hangMs = 20_000;
