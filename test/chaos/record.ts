import { appendFileSync, closeSync, openSync } from 'node:fs';

/**
 * The events of a run, as seen from outside the system. `device` is one installation of an app, such as `u1.a`. `session` is
 * one run of that app, such as `u1.a.1`; the client's memory lasts for one session. Sequence numbers count a session's messages
 * in the order of its calls. `socket` numbers the sockets of a run.
 */
export type Event =
  | { readonly type: 'run'; readonly seed: number; readonly clients: number; readonly timeScale: number }
  | { readonly type: 'device'; readonly device: string; readonly user: string }
  | { readonly type: 'session'; readonly session: string; readonly device: string }
  | Sent
  | {
      readonly type: 'acked';
      readonly id: string;
      /** Its position in the log. */
      readonly serial: string;
      readonly status: string;
      readonly duplicate: boolean;
    }
  | { readonly type: 'rejected'; readonly id: string; readonly code: string; readonly maybeDelivered: boolean }
  | Received
  | Joining
  /** The client reports that it has joined the room, or the app leaves the room. */
  | { readonly type: 'joined' | 'leaving'; readonly membership: number }
  /** The client reports a gap, or the loss of a room, to the app. */
  | { readonly type: 'gap'; readonly session: string; readonly detail: unknown }
  | { readonly type: 'state'; readonly session: string; readonly status: string; readonly code?: string }
  | { readonly type: 'error'; readonly session: string; readonly code: string }
  /** The server's connection id of a socket. */
  | { readonly type: 'socket'; readonly socket: number; readonly session: string; readonly connectionId: string }
  /** An outside event at a device: a cut connection, a lost network, a restored network. */
  | { readonly type: 'cut' | 'away' | 'back'; readonly device: string }
  | { readonly type: 'fault'; readonly point: string; readonly kind: string; readonly connectionId?: string }
  | { readonly type: 'cloud'; readonly what: 'started' | 'killed' }
  /** The faults have ended, or the system is quiet. */
  | { readonly type: 'calm' | 'quiet' };

export interface Sent {
  readonly type: 'sent';
  readonly id: string;
  readonly session: string;
  readonly device: string;
  readonly user: string;
  readonly sequence: number;
  /** The users; empty for a room. */
  readonly to: readonly string[];
  readonly room?: string;
  readonly stored: boolean;
  /** Whether the sender's other devices, or in a room the sending device, get a copy. */
  readonly echo: boolean;
}

/** A session asks to join a room. Each join is a membership with a number in the run. */
export interface Joining {
  readonly type: 'joining';
  readonly membership: number;
  readonly session: string;
  readonly device: string;
  readonly room: string;
  /** The message after which the join resumes. Absent: from now on. */
  readonly cursor?: string;
}

export interface Received {
  readonly type: 'received';
  readonly session: string;
  readonly device: string;
  readonly id: string;
  readonly serial: string;
  /** The sending session, and its number for the message. */
  readonly sender: string;
  readonly sequence: number;
  /** The membership that brought a room message; 0 if none did. */
  readonly membership?: number;
  /** The socket that first brought the message. */
  readonly socket: number;
}

/** An event with its time, in epoch milliseconds of the machine's clock. */
export type Entry = Event & { readonly at: number };

/** The events of a run in order: in memory, and in a file that gets each entry at once. */
export interface Record {
  readonly file: string;
  readonly entries: readonly Entry[];
  add(event: Event): void;
  close(): void;
}

/** Creates a record. @throws Error if the file exists or is not writable: a record never changes later */
export function openRecord(file: string): Record {
  const descriptor = openSync(file, 'ax');
  const entries: Entry[] = [];
  return {
    file,
    entries,
    add(event) {
      const entry = { at: Date.now(), ...event };
      // Write at once, so the record survives the end of this process.
      appendFileSync(descriptor, `${JSON.stringify(entry)}\n`);
      entries.push(entry);
    },
    close: () => closeSync(descriptor),
  };
}
