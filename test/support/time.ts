/** How long a test watches for something that must not happen. */
export const quiescentMs = 250;
/** What takes longer hangs. */
export const hangMs = 20_000;
