/** Long enough for something that must not happen to have happened. */
export const quiescentMs = 250;

/** Nothing that works takes this long. */
export const hangMs = 20_000;
