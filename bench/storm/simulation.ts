import type { ReconnectingClient } from './clients.ts';

export interface Storm {
  /** The number of clients, which all lose their connection at once. */
  readonly clients: number;
  /** The length of the outage after that. */
  readonly outageMs: number;
  /** The accepted handshakes per second after the outage. The burst is one second's worth. */
  readonly acceptedPerSecond: number;
  readonly client: ReconnectingClient;
  readonly random: () => number;
}

export interface Aftermath {
  /** The most attempts within a second, counted from the end of the outage. */
  readonly peakPerSecond: number;
  /** All attempts after the end of the outage. The minimum is one per client. */
  readonly attempts: number;
  /** The time after the end of the outage; `undefined` if they never reconnect. */
  readonly back99Ms: number | undefined;
  readonly gaveUp: number;
}

/** Clients that are not back by then never reconnect. */
const HORIZON_MS = 60 * 60_000;

/**
 * Simulates a storm millisecond by millisecond. In this model an attempt takes no time, a refused one fails at once, and a handshake
 * costs the server nothing. It shows when clients arrive, which depends on their waits alone.
 */
export function simulate({ clients, outageMs, acceptedPerSecond, client: kind, random }: Storm): Aftermath {
  const due: number[][] = [];
  const waits = Array.from({ length: clients }, () => kind.start(random));
  const failures = new Array<number>(clients).fill(0);
  let gaveUp = 0;
  const schedule = (client: number, now: number) => {
    const waitMs = waits[client]?.(failures[client] ?? 0);
    if (waitMs === undefined) {
      gaveUp += 1;
      return;
    }
    const at = now + Math.floor(waitMs);
    const others = due[at];
    if (others) others.push(client);
    else due[at] = [client];
  };
  for (let client = 0; client < clients; client += 1) schedule(client, 0);

  const door = createDoor(acceptedPerSecond, outageMs);
  const attempts: number[] = [];
  const back: number[] = [];
  for (let now = 0; now < HORIZON_MS && back.length + gaveUp < clients; now += 1) {
    for (const client of due[now] ?? []) {
      const second = Math.floor((now - outageMs) / 1_000);
      if (second >= 0) attempts[second] = (attempts[second] ?? 0) + 1;
      if (door.lets(now)) back.push(now - outageMs);
      else {
        failures[client] = (failures[client] ?? 0) + 1;
        // A client needs a moment to notice a failure; otherwise waits of 0 would loop for ever.
        schedule(client, now + 1);
      }
    }
    delete due[now];
  }
  const back99Ms = back[Math.ceil(clients * 0.99) - 1];
  return {
    peakPerSecond: attempts.reduce((peak, count = 0) => Math.max(peak, count), 0),
    attempts: attempts.reduce((sum, count = 0) => sum + count, 0),
    back99Ms,
    gaveUp,
  };
}

/** A token bucket that is closed during the outage. */
function createDoor(perSecond: number, opensAtMs: number) {
  let tokens = perSecond;
  let filledAtMs = opensAtMs;
  return {
    lets: (now: number) => {
      if (now < opensAtMs) return false;
      tokens = Math.min(perSecond, tokens + ((now - filledAtMs) * perSecond) / 1_000);
      filledAtMs = now;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}
