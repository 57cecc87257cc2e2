import type { Clock } from './clock.ts';
import type { Log } from './service.ts';

export type LogEntry = Parameters<Log>[0];

/** A log entry with its time, in cloud time (ISO 8601). */
export type TimedLogEntry = LogEntry & { readonly at: string };

/** The most recent entries of a list, in bounded memory. */
export interface Ring<Entry> {
  add(entry: Entry): void;
  /** Oldest first. */
  entries(): readonly Entry[];
}

export function createRing<Entry>(capacity: number): Ring<Entry> {
  const kept: Entry[] = [];
  let next = 0;
  return {
    add(entry) {
      kept[next] = entry;
      next = (next + 1) % capacity;
    },
    entries: () => (kept.length < capacity ? [...kept] : [...kept.slice(next), ...kept.slice(0, next)]),
  };
}

/** The number of log entries that `GET /_local/log` keeps. */
const KEPT_ENTRIES = 5000;

export interface LogBook {
  readonly log: Log;
  entries(): readonly TimedLogEntry[];
}

/** Keeps the latest entries, and passes each one on. */
export function createLogBook(clock: Clock, forward?: Log): LogBook {
  const ring = createRing<TimedLogEntry>(KEPT_ENTRIES);
  return {
    log(entry) {
      ring.add({ at: new Date(clock.now()).toISOString(), ...entry });
      forward?.(entry);
    },
    entries: ring.entries,
  };
}

/** Logs a failure of the local cloud itself. Returns one sentence about it. */
export function logInternalError(log: Log, source: string, error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  const message = `the local cloud failed: ${reason}`;
  log({ level: 'error', source, message, ...(error instanceof Error && { detail: { stack: error.stack } }) });
  return message;
}
