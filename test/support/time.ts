/** How much slower this machine is than the one on which these times were chosen; measured at the start of each file. */
export const machineUnit = Math.ceil(4 * Number(process.env['HOLDFAST_TEST_UNIT'] ?? 1)) / 4;

/** Long enough for something that must not happen to have happened. */
export const quiescentMs = 250 * machineUnit;

/** Nothing that works takes this long. */
export const hangMs = 60_000 * machineUnit;
