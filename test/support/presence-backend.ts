import { DEFAULT_SIZE_LIMITS, type Push, TARIFF } from '../../protocol/index.ts';
import { userAddress } from '../../server/address.ts';
import { type Directory, type Mapping, topicsOf } from '../../server/connections/directory.ts';
import { createForget } from '../../server/connections/forget.ts';
import { createRegister } from '../../server/connections/register.ts';
import { createResume } from '../../server/connections/resume.ts';
import { createTaskRunner } from '../../server/edge/run-tasks.ts';
import { createGate, createPermit, type Enter, enterAdmitted } from '../../server/gate/gate.ts';
import { createAskPresence } from '../../server/presence/ask-presence.ts';
import { createArrive, createPresenceChecks } from '../../server/presence/presence.ts';
import type { PresenceState, PresenceStates } from '../../server/presence/presence-state.ts';
import { createJoin } from '../../server/rooms/join.ts';
import { createLeave } from '../../server/rooms/leave.ts';
import { createSubscribe } from '../../server/rooms/subscribe.ts';
import { createPosting, type Poster } from '../../server/sending/posting.ts';
import type { Task, Tasks } from '../../server/tasks.ts';
import { createMemoryAddressStates } from '../../testing/memory/address-states.ts';
import { createMemoryDirectory, type MemoryDirectory } from '../../testing/memory/directory.ts';
import { createMemoryMessageLog } from '../../testing/memory/message-log.ts';
import { createMemoryPresenceStates } from '../../testing/memory/presence-states.ts';
import { createMemoryUserBudgets } from '../../testing/memory/user-budgets.ts';
import type { Scheduler } from './scheduler.ts';

/** The rules of presence. A test removes one to show that the system needs it. */
export const RULES = [
  /** After a check writes a state, it looks again who is present. */
  'second look',
  /** A write fails if the presence state differs from the one that was read. */
  'conditional write',
  /** `sinceMs` strictly increases. */
  'order of sinceMs',
  /** A repeated check tells the watchers, whatever it finds. */
  'retries tell',
  /** A watch reads its reply after it has begun. */
  'watch before reading',
  /** A registration reads the presence state after it has written the mapping. */
  'mapping before reading',
  /** The presence sweep checks watched addresses again. */
  'sweeps',
] as const;
export type Rule = (typeof RULES)[number];

/** The handlers of one invocation. */
export type Handlers = ReturnType<typeof createHandlers>;

/** The client's end of a connection. */
export interface Peer {
  receive(push: Push): void;
  /** The server closes the connection. */
  closed(): void;
}

/** The server's handlers over stores in memory. Every call of a port waits for a turn of the scheduler. */
export interface Backend {
  readonly directory: Directory;
  readonly presenceStates: PresenceStates;
  /** The tasks that the queue gave up. */
  readonly deadTasks: readonly Task[];
  /** From now on up to `count` handlers die between two calls. */
  allowCrashes(count: number): void;
  /** Runs an invocation. Resolves with `undefined` if it dies. */
  invoke<T>(run: (handlers: Handlers) => Promise<T>): Promise<T | undefined>;
  /** Opens a connection. Returns its id. */
  open(peer: Peer): string;
  /** Ends a connection. @param isTold Whether API Gateway invokes `$disconnect`. */
  close(connectionId: string, userId: string, isTold: boolean): void;
}

/** How long a second of a task's delay takes in a hurried schedule, in milliseconds. */
export const HURRIED_SECOND_MS = 20;

export interface BackendOptions {
  readonly scheduler: Scheduler;
  /** Whether the queue shortens delays, so that more checks overlap with arrivals and departures. */
  readonly isHurried: boolean;
  readonly without?: Rule | undefined;
}

const UNLIMITED = { perSecond: 1000, burst: 1000 };

const CALLBACK_URL = 'https://api.example/prod';

/** The largest error of a function's clock, in milliseconds. */
const MAX_SKEW_MS = 2_000;

/** The longest duration of a slow call, in milliseconds. */
const MAX_STALL_MS = 1_500;

/** How long the queue hides a running task, in milliseconds, and how often it delivers a task. */
const VISIBILITY_MS = 60_000;
const MAX_RECEIVES = 5;

export function createBackend({ scheduler, isHurried, without }: BackendOptions): Backend {
  const { now, chance, random } = scheduler;
  const directory = createMemoryDirectory(now);
  const stores = {
    directory,
    presenceStates: createMemoryPresenceStates(),
    states: createMemoryAddressStates(now),
    log: createMemoryMessageLog(now),
  };
  const peers = new Map<string, { readonly peer: Peer; readonly userId: () => string }>();
  const deadTasks: Task[] = [];
  let crashes = 0;
  let opened = 0;

  /** One execution of a function. It may die at each turn. */
  async function invoke<T>(run: (handlers: Handlers) => Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const turn = async () => {
        if (chance(0.15)) await new Promise<void>((goOn) => scheduler.after(random() * MAX_STALL_MS, goOn));
        await scheduler.turn();
        if (crashes === 0 || !chance(0.05)) return;
        crashes -= 1;
        resolve(undefined);
        await new Promise(() => undefined);
      };
      const skewMs = Math.round((random() * 2 - 1) * MAX_SKEW_MS);
      const paced = <P extends object>(port: P) => pace(port, turn);
      const ports = {
        now: () => now() + skewMs,
        directory: paced(inSteps(stores.directory, turn)),
        presenceStates: paced(losingAnswers(stores.presenceStates, chance)),
        states: stores.states,
        log: stores.log,
        poster: paced(poster),
        tasks: paced(tasks),
      };
      run(createHandlers(without ? weaken(ports, without) : ports)).then(resolve, reject);
    });
  }

  function handOut(task: Task, receives: number): void {
    const attributes = { ApproximateReceiveCount: String(without === 'retries tell' ? 1 : receives) };
    const Records = [{ messageId: 't', body: JSON.stringify(task), attributes }];
    const done = invoke(({ runTasks }) => runTasks()({ Records }));
    void done.then((response) => {
      if (response && response.batchItemFailures.length === 0) return;
      if (receives === MAX_RECEIVES) deadTasks.push(task);
      else scheduler.after(VISIBILITY_MS, () => handOut(task, receives + 1));
    });
  }

  const tasks: Tasks = {
    async add(added) {
      for (const task of added) {
        if (task.kind === 'sweep' && without === 'sweeps') continue;
        const { delaySeconds = 0 } = 'delaySeconds' in task ? task : {};
        const secondMs = isHurried && task.kind === 'presence' ? HURRIED_SECOND_MS : 1000;
        const delayMs = delaySeconds * secondMs + random() * (chance(0.1) ? 30_000 : 200);
        scheduler.after(delayMs, () => handOut(task, 1));
        if (chance(0.3)) scheduler.after(delayMs + random() * (chance(0.3) ? 30_000 : 200), () => handOut(task, 1));
      }
    },
  };

  const poster: Poster = {
    async post({ connectionId }, frame) {
      if (!peers.has(connectionId)) return 'gone';
      if (chance(0.01)) return 'failed';
      void scheduler.turn().then(() => peers.get(connectionId)?.peer.receive(frame));
      return 'sent';
    },
    async close({ connectionId }) {
      const open = peers.get(connectionId);
      if (!open) return 'gone';
      close(connectionId, open.userId(), true);
      open.peer.closed();
      return 'sent';
    },
  };

  function close(connectionId: string, userId: string, isTold: boolean): void {
    if (!peers.delete(connectionId) || !isTold) return;
    const address = userAddress(userId);
    scheduler.after(random() * (chance(0.2) ? 20_000 : 50), () => {
      void invoke(({ forget }) => forget()({ address, connectionId, userId }));
    });
  }

  return {
    directory,
    presenceStates: stores.presenceStates,
    deadTasks,
    allowCrashes: (count) => {
      crashes = count;
    },
    invoke,
    open(peer) {
      opened += 1;
      const connectionId = `c${opened}`;
      const userId = () =>
        [...directory.items.values()].find((item) => item.connectionId === connectionId)?.userId ?? '';
      peers.set(connectionId, { peer, userId });
      return connectionId;
    },
    close,
  };
}

interface Ports {
  readonly now: () => number;
  readonly directory: Directory;
  readonly presenceStates: PresenceStates;
  readonly states: ReturnType<typeof createMemoryAddressStates>;
  readonly log: ReturnType<typeof createMemoryMessageLog>;
  readonly poster: Poster;
  readonly tasks: Tasks;
}

/** Creates each handler on demand: an invocation runs only one. */
function createHandlers(ports: Ports) {
  const { directory, presenceStates, tasks, now } = ports;
  const userBudgets = createMemoryUserBudgets(now);
  const gate = () => createGate({ directory, userBudgets, rateLimit: UNLIMITED, userRateLimit: UNLIMITED, now });
  const admit = () => gate().admit;
  const resume = (enter: Enter) => {
    const arrive = createArrive({ presenceStates, tasks });
    return createResume({ ...ports, enter, arrive, callbackUrl: CALLBACK_URL, retentionSeconds: 3600 });
  };
  const subscribe = createSubscribe({ directory, limits: DEFAULT_SIZE_LIMITS });
  const posting = () => createPosting(ports);
  const presence = () => createPresenceChecks({ ...ports, posting: posting() });
  return {
    directory,
    posting,
    register: () =>
      createRegister({
        ...ports,
        resume: resume(gate().enter),
        admit: admit(),
        surcharge: async () => undefined,
        authenticate: () => Promise.reject(new Error('nobody renews a token')),
        revocations: { revokedUntil: async () => undefined },
        callbackUrl: CALLBACK_URL,
        expectedConnections: 0,
        rateLimit: UNLIMITED,
        sizeLimits: DEFAULT_SIZE_LIMITS,
        tariff: TARIFF,
      }),
    join: () => createJoin({ permit: createPermit(admit()), subscribe, resume: resume(enterAdmitted(directory)), now }),
    leave: () => createLeave({ admit: admit(), directory, tasks }),
    forget: () => createForget({ directory, tasks }),
    askPresence: () =>
      createAskPresence({ ...ports, permit: createPermit(admit()), subscribe, callbackUrl: CALLBACK_URL }),
    runTasks: () => createTaskRunner({ ...ports, presence: presence(), log: () => undefined }),
  };
}

/** Makes each call of a port wait for one turn before its effect, and for another before its answer. */
function pace<P extends object>(port: P, turn: () => Promise<void>): P {
  return new Proxy(port, {
    get: (target, name) => {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      return async (...values: unknown[]) => {
        await turn();
        const answer: unknown = await Reflect.apply(method, target, values);
        await turn();
        return answer;
      };
    },
  });
}

/** Splits operations that take several DynamoDB calls: others may run in between, and the handler may die there. */
function inSteps(directory: MemoryDirectory, turn: () => Promise<void>): Directory {
  const consistent = { consistent: true };
  return {
    ...directory,
    async members(room, userId) {
      const ofUser = userId === undefined ? undefined : await directory.find(userAddress(userId), consistent);
      if (ofUser) await turn();
      const inRoom = (await directory.find(room, consistent)).filter((mapping) => !ofUser || isAmong(ofUser, mapping));
      await turn();
      return (await directory.members(room, userId)).filter((mapping) => isAmong(inRoom, mapping));
    },
    async forget({ address, connectionId, userId }) {
      const user = userAddress(userId);
      await directory.unsubscribe(connectionId, [user]);
      await turn();
      const known = await directory.subscriptions(user, connectionId);
      directory.subscriptionItems.delete(JSON.stringify([user, connectionId]));
      await turn();
      await directory.unsubscribe(connectionId, [address, ...topicsOf(known)]);
      return known;
    },
  };
}

function isAmong(mappings: readonly Mapping[], { connectionId }: Mapping): boolean {
  return mappings.some((mapping) => mapping.connectionId === connectionId);
}

/** Sometimes loses the answer to a write. The SDK then writes again, and the condition fails. */
function losingAnswers(presenceStates: PresenceStates, chance: Scheduler['chance']): PresenceStates {
  return {
    ...presenceStates,
    async announce(...values) {
      const isAnnounced = await presenceStates.announce(...values);
      return chance(0.05) ? presenceStates.announce(...values) : isAnnounced;
    },
  };
}

/** Removes a rule from the ports of one invocation. */
function weaken(ports: Ports, without: Rule): Ports {
  const { directory, presenceStates } = ports;
  switch (without) {
    case 'second look': {
      let seen: ReturnType<Directory['find']> | undefined;
      const find: Directory['find'] = (topic, options) => {
        if (!topic.startsWith('user#')) return directory.find(topic, options);
        seen ??= directory.find(topic, options);
        return seen;
      };
      return { ...ports, directory: { ...directory, find } };
    }
    case 'conditional write': {
      const announce: PresenceStates['announce'] = async (address, next, before) => {
        const isAnnounced = await presenceStates.announce(address, next, before);
        if (isAnnounced) return true;
        return presenceStates.announce(address, next, await presenceStates.read(address, next.userId));
      };
      return { ...ports, presenceStates: { ...presenceStates, announce } };
    }
    case 'order of sinceMs': {
      const read = async (...values: Parameters<PresenceStates['read']>) => {
        const announced = await presenceStates.read(...values);
        return announced && { ...announced, sinceMs: 0, real: announced };
      };
      const announce: PresenceStates['announce'] = (address, next, before) =>
        presenceStates.announce(address, next, before && 'real' in before ? (before.real as PresenceState) : before);
      return { ...ports, presenceStates: { ...presenceStates, read, announce } };
    }
    case 'watch before reading': {
      const put: Directory['put'] = async (registration) => {
        if (!registration.address.startsWith('presence#')) return directory.put(registration);
        // Write the mapping late: the handler has read everything by then.
        void ports.tasks
          .add([])
          .then(() => ports.tasks.add([]))
          .then(() => directory.put(registration));
        return 'registered';
      };
      return { ...ports, directory: { ...directory, put } };
    }
    case 'mapping before reading': {
      const early = new Map<string, ReturnType<PresenceStates['read']>>();
      const put: Directory['put'] = async (registration) => {
        const { address, userId } = registration;
        if (!address.startsWith('presence#')) early.set(userId, presenceStates.read(userAddress(userId), userId));
        await early.get(userId);
        return directory.put(registration);
      };
      const read: PresenceStates['read'] = (address, userId) =>
        early.get(userId) ?? presenceStates.read(address, userId);
      return { ...ports, directory: { ...directory, put }, presenceStates: { ...presenceStates, read } };
    }
    default:
      return ports;
  }
}
