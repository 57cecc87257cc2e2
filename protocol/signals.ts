/**
 * The encodings that begin so are signals between clients: a client gives such a message to no listener, whether it knows the signal or not.
 */
export const SIGNAL_PREFIX = 'beckon-';

/** The signal that its sender is typing (`true`) or has stopped (`false`). It is sent as an ephemeral message. */
export const TYPING_SIGNAL = `${SIGNAL_PREFIX}typing`;
