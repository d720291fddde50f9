/** Reading the holders has a shorter limit than locking: it often happens for the sake of a message. */
export const LOOK_MS = 3_000;

/**
 * The server does not wait longer than the lease; the holder stops believing a fifth earlier, which covers clocks that
 * tick differently.
 */
export const BELIEVED_PART = 0.8;
