/** So much Node reads of a socket at a time. */
export const READ_BYTES = 65_536
