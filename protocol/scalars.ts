// Names for texts and numbers with a meaning of their own. The schemas in the documents know them by these names.

/** A position in a log: a ULID that the server mints. It sorts by time. */
export type Serial = string;

/** A whole number, at least 0. */
export type Count = number;

/** A moment, in milliseconds since the beginning of 1970, by the server's clock. */
export type EpochMs = number;

/** A time span, in whole milliseconds. */
export type DurationMs = number;
