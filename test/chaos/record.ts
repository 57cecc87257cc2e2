import { appendFileSync, closeSync, openSync } from 'node:fs';

/**
 * What happened, as it is seen from outside the system. `device` is one installation of an app, e.g. `u1.a`. `session`
 * is one run of that app, e.g. `u1.a.1`: what the client remembers is remembered within one. Sequence numbers count the
 * messages of a session in the order of its calls. `socket` numbers the sockets of a run.
 */
export type Event =
  | { readonly type: 'run'; readonly seed: number; readonly clients: number; readonly timeScale: number }
  | { readonly type: 'device'; readonly device: string; readonly user: string }
  | { readonly type: 'session'; readonly session: string; readonly device: string }
  | Sent
  | {
      readonly type: 'acked';
      readonly id: string;
      /** Where it stands in the log. */
      readonly serial: string;
      readonly status: string;
      readonly duplicate: boolean;
    }
  | { readonly type: 'rejected'; readonly id: string; readonly code: string; readonly maybeDelivered: boolean }
  | Received
  | Joining
  /** The client has told that it is in the room, or was told to leave it. */
  | { readonly type: 'joined' | 'leaving'; readonly membership: number }
  /** The client has told its application that messages are missing, or that it is no longer in a room. */
  | { readonly type: 'gap'; readonly session: string; readonly detail: unknown }
  | { readonly type: 'state'; readonly session: string; readonly status: string; readonly code?: string }
  | { readonly type: 'error'; readonly session: string; readonly code: string }
  /** What the server calls the connection that a socket is. */
  | { readonly type: 'socket'; readonly socket: number; readonly session: string; readonly connectionId: string }
  /** What was done to a device from outside: its connection cut, its network gone, its network back. */
  | { readonly type: 'cut' | 'away' | 'back'; readonly device: string }
  | { readonly type: 'fault'; readonly point: string; readonly kind: string; readonly connectionId?: string }
  | { readonly type: 'cloud'; readonly what: 'started' | 'killed' }
  /** Nothing goes wrong any more, or: everything has come to rest. */
  | { readonly type: 'calm' | 'quiet' };

export interface Sent {
  readonly type: 'sent';
  readonly id: string;
  readonly session: string;
  readonly device: string;
  readonly user: string;
  readonly sequence: number;
  /** The users; none for a room. */
  readonly to: readonly string[];
  readonly room?: string;
  readonly stored: boolean;
  /** Whether the sender's other devices get a copy; in a room, the device that sends. */
  readonly echo: boolean;
}

/** A session wants to be in a room. Each time it does is a membership, which has a number in the run. */
export interface Joining {
  readonly type: 'joining';
  readonly membership: number;
  readonly session: string;
  readonly device: string;
  readonly room: string;
  /** Behind which message of the room. Absent: from now on. */
  readonly since?: string;
}

export interface Received {
  readonly type: 'received';
  readonly session: string;
  readonly device: string;
  readonly id: string;
  readonly serial: string;
  /** The session that sent it, and the number it gave it. */
  readonly sender: string;
  readonly sequence: number;
  /** Of a message to a room: the membership in which it came; 0: in none. */
  readonly membership?: number;
  /** The socket over which it first came. */
  readonly socket: number;
}

/** An event with its time, in epoch milliseconds of the machine. */
export type Entry = Event & { readonly at: number };

/** Everything that happens in a run, in its order: in memory, and in a file to which each entry is added at once. */
export interface Record {
  readonly file: string;
  readonly entries: readonly Entry[];
  add(event: Event): void;
  close(): void;
}

/** @throws Error when the file exists or cannot be written: a record is never changed afterwards. */
export function openRecord(file: string): Record {
  const descriptor = openSync(file, 'ax');
  const entries: Entry[] = [];
  return {
    file,
    entries,
    add(event) {
      const entry = { at: Date.now(), ...event };
      // At once, so that nothing that has been seen is forgotten when this process ends in the middle.
      appendFileSync(descriptor, `${JSON.stringify(entry)}\n`);
      entries.push(entry);
    },
    close: () => closeSync(descriptor),
  };
}
