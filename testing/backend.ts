import {
  type Action,
  DEFAULT_SIZE_LIMITS,
  INDEXED_TARIFF,
  isObject,
  parseJson,
  problem,
  RATE_BURST,
  RATE_PER_SECOND,
  TARIFF,
} from '../protocol/index.ts';
import { createAuthorize } from '../server/auth/authorize.ts';
import { DEFAULT_CAPABILITY, OPERATIONS } from '../server/auth/capability.ts';
import { createConnect, type Handshake } from '../server/auth/handshake.ts';
import { DEFAULT_INBOX_LIMIT, DEFAULT_RETENTION_DAYS } from '../server/config.ts';
import { REFUSED_CONTEXT, toContext, type WebSocketEvent } from '../server/connections/connection.ts';
import { createDisconnect } from '../server/connections/disconnect.ts';
import { createForget } from '../server/connections/forget.ts';
import { createPing } from '../server/connections/ping.ts';
import { createRegister } from '../server/connections/register.ts';
import type { Resume } from '../server/connections/resume.ts';
import { defaultRoute, messageRoute, type RouteDependencies, type RouteResponse } from '../server/edge/route.ts';
import { createDeliveryRunner } from '../server/edge/run-deliveries.ts';
import { createTaskRunner } from '../server/edge/run-tasks.ts';
import { createGate, createPermit, enterAdmitted } from '../server/gate/gate.ts';
import { createNoteAnswer } from '../server/gate/offences.ts';
import { lower } from '../server/gate/rate-limit.ts';
import { type Conversations, createConversations, createListing } from '../server/history/conversations.ts';
import { createHistory } from '../server/history/history.ts';
import { createMark } from '../server/history/markers.ts';
import { createUnread } from '../server/history/unread.ts';
import type { Logger } from '../server/logger.ts';
import { createManage } from '../server/operations/manage.ts';
import { createAskPresence } from '../server/presence/ask-presence.ts';
import { createPresenceChecks } from '../server/presence/presence.ts';
import { createJoin } from '../server/rooms/join.ts';
import { createLeave } from '../server/rooms/leave.ts';
import { createSubscribe } from '../server/rooms/subscribe.ts';
import { createIndexMessages } from '../server/search/indexing.ts';
import { createSearch, type Search } from '../server/search/search.ts';
import { createBlock } from '../server/sending/block.ts';
import { createPosting, type Poster } from '../server/sending/posting.ts';
import type { Send } from '../server/sending/send.ts';
import { createSendMessage } from '../server/sending/send-message.ts';
import { serialTime } from '../server/serial.ts';
import { type SendWiring, wireResume, wireSend, wireSurcharge } from '../server/wiring.ts';
import { createMemoryAddressStates } from './memory/address-states.ts';
import { createMemoryConversationList } from './memory/conversation-list.ts';
import { createMemoryDirectory } from './memory/directory.ts';
import { createMemoryErasure } from './memory/erasure.ts';
import { createMemoryInboxes } from './memory/inboxes.ts';
import { createMemoryMarkers } from './memory/markers.ts';
import { createMemoryMessageLog } from './memory/message-log.ts';
import { createMemoryOffences } from './memory/offences.ts';
import { createMemoryPresenceStates } from './memory/presence-states.ts';
import { createMemoryRevocations } from './memory/revocations.ts';
import { createMemorySearchIndex } from './memory/search-index.ts';
import { createMemoryTasks } from './memory/tasks.ts';
import { createMemoryTranscripts } from './memory/transcripts.ts';
import { createMemoryUserBudgets } from './memory/user-budgets.ts';
import type { InstallationOptions } from './options.ts';
import type { Runtime } from './runtime.ts';
import { createSentMessages } from './sent.ts';
import { createTokens } from './tokens.ts';

/** Where connections are posted to. Nothing is there: the poster finds a connection by its id. */
const CALLBACK_URL = 'https://beckon.test';

const SECONDS_PER_DAY = 86_400;

type Route = (event: WebSocketEvent) => Promise<RouteResponse>;

/** The functions of an installation, over stores in memory. */
export type Backend = ReturnType<typeof createBackend>;

/** @param log Gets a line for each frame, as the functions write them. */
export function createBackend(
  options: InstallationOptions,
  { runtime, poster, log }: { readonly runtime: Runtime; readonly poster: Poster; readonly log: Logger },
) {
  const { now } = runtime;
  const {
    retentionSeconds = DEFAULT_RETENTION_DAYS * SECONDS_PER_DAY,
    rateLimit = { perSecond: RATE_PER_SECOND, burst: RATE_BURST },
    userRateLimit = rateLimit,
    defaultCapability = { ...DEFAULT_CAPABILITY, 'room:*': OPERATIONS },
  } = options;
  const search = options.search === true ? {} : options.search || undefined;
  const sizeLimits = { ...DEFAULT_SIZE_LIMITS, ...options.limits };
  const inboxLimit = { ...DEFAULT_INBOX_LIMIT, ...options.inboxLimit };
  const tariff = search ? INDEXED_TARIFF : TARIFF;
  const callbackUrl = CALLBACK_URL;

  const directory = createMemoryDirectory(now);
  const userBudgets = createMemoryUserBudgets(now);
  const offences = createMemoryOffences(now);
  const messageLog = createMemoryMessageLog(now);
  const states = createMemoryAddressStates(now);
  const presenceStates = createMemoryPresenceStates();
  const transcripts = createMemoryTranscripts(messageLog, now);
  const index = createMemorySearchIndex(messageLog, now);
  const markers = createMemoryMarkers();
  const kept = createMemoryConversationList(markers);
  const list = options.conversations === false ? undefined : kept;
  const inboxes = createMemoryInboxes(now, retentionSeconds);
  const revocations = createMemoryRevocations(now);
  const tasks = createMemoryTasks(runtime);
  const erasure = createMemoryErasure([
    ...[directory, userBudgets, offences, messageLog, states],
    ...[presenceStates, markers, kept, inboxes, revocations],
  ]);

  const tokens = createTokens(defaultCapability, now);
  const sent = createSentMessages();
  /** Messages until then are lost, epoch milliseconds. */
  let lostUntilMs = Number.NEGATIVE_INFINITY;

  const surcharge = wireSurcharge({ userBudgets, userRateLimit, log });
  const posting = createPosting({ poster, directory, tasks, surcharge });
  const disconnect = createDisconnect({ directory, poster });
  const { admit, enter } = createGate({ directory, userBudgets, rateLimit, userRateLimit, now });
  const permit = createPermit(admit);
  const subscribe = createSubscribe({ directory, limits: sizeLimits });
  const presence = createPresenceChecks({ directory, presenceStates, posting, tasks, now });
  const edge: RouteDependencies = {
    log,
    limits: sizeLimits,
    noteAnswer: createNoteAnswer({ offences, tasks, callbackUrl, now }),
    now,
  };

  function sendOf(more: Pick<SendWiring, 'posting' | 'onFailure'>): Send {
    const wiring = { directory, log: messageLog, inboxes, states, tasks, inboxLimit, list, retentionSeconds, now };
    const { random } = runtime;
    return sent.of(wireSend({ ...wiring, isSearched: search !== undefined, logger: log, random, ...more }));
  }

  /** A resume from before the loss tells that messages are missing, as one from before the retention does. */
  function resumeOf(enterBy: typeof enter): Resume {
    const ports = { log: messageLog, states, presenceStates, tasks, callbackUrl, retentionSeconds, now };
    const resume = wireResume({ ...ports, enter: enterBy });
    return async (subscription, frame) => {
      const resumed = await resume(subscription, frame);
      if (!resumed.ok || frame.cursor === undefined || serialTime(frame.cursor) > lostUntilMs) return resumed;
      return { ok: true, value: { ...resumed.value, recovered: false } };
    };
  }

  const listing = list && createListing({ list, transcripts, retentionSeconds, now });
  const conversations: Conversations = list
    ? createConversations({ permit, list, transcripts, markers, retentionSeconds, now })
    : async () => ({ ok: false, problem: problem('conversations_disabled') });
  const withoutSearch: Search = async () => ({ ok: false, problem: problem('search_disabled') });
  const routes = {
    register: messageRoute(
      'register',
      edge,
      createRegister({
        resume: resumeOf(enter),
        ...{ admit, directory, surcharge, authenticate: tokens.authenticate, revocations, tasks, callbackUrl },
        ...{ expectedConnections: 0, rateLimit: lower(rateLimit, userRateLimit), sizeLimits, tariff, now },
      }),
    ),
    ping: messageRoute('ping', edge, createPing({ admit, log: messageLog, states, now })),
    sendMessage: messageRoute(
      'sendMessage',
      edge,
      createSendMessage({ send: sendOf({ posting }), admit, limits: sizeLimits, tariff }),
    ),
    join: messageRoute(
      'join',
      edge,
      createJoin({ permit, subscribe, resume: resumeOf(enterAdmitted(directory)), list, now }),
    ),
    leave: messageRoute('leave', edge, createLeave({ admit, directory, tasks })),
    presence: messageRoute(
      'presence',
      edge,
      createAskPresence({ permit, subscribe, directory, presenceStates, tasks, callbackUrl, now }),
    ),
    history: messageRoute('history', edge, createHistory({ permit, transcripts, markers })),
    search: messageRoute('search', edge, search ? createSearch({ permit, index, transcripts }) : withoutSearch),
    conversations: messageRoute('conversations', edge, conversations),
    unread: messageRoute(
      'unread',
      edge,
      createUnread({ permit, transcripts, markers, total: listing?.total.bind(listing), retentionSeconds, now }),
    ),
    mark: messageRoute(
      'mark',
      edge,
      createMark({ permit, markers, log: messageLog, inboxes, directory, posting, now }),
    ),
    block: messageRoute('block', edge, createBlock({ admit, inboxes })),
  } satisfies Readonly<Record<Action, Route>>;
  const otherwise = defaultRoute(edge);

  const runDelivery = createDeliveryRunner({
    ...{ directory, posting, states, tasks, log },
    postsPerSecond: Number.POSITIVE_INFINITY,
    clock: { now, sleep: (ms) => new Promise((resolve) => runtime.setTimer(ms, resolve)), random: () => 0 },
  });
  tasks.start({
    deliver: (event) => runDelivery(event, { getRemainingTimeInMillis: () => Number.POSITIVE_INFINITY }),
    tasks: createTaskRunner({
      ...{ directory, poster, presence, tasks, log, now },
      indexMessages: search && createIndexMessages(index, search),
    }),
  });

  const authorize = createAuthorize({ authenticate: tokens.authenticate, revocations, allowedOrigins: ['*'] });
  const connect = createConnect({ log });

  return {
    tokens,
    sent: sent.messages,
    inboxes,
    directory,

    /** The context of a connection that may open, or the status with which it is refused. */
    async open(
      handshake: Handshake,
    ): Promise<{ readonly context: Record<string, string> } | { readonly status: number }> {
      const decision = await authorize(handshake);
      if (decision.outcome === 'unauthorized') return { status: 401 };
      if (decision.outcome === 'forbidden') return { status: 403 };
      const context = decision.outcome === 'allowed' ? toContext(decision) : REFUSED_CONTEXT;
      const { statusCode } = connect({ ...handshake, requestContext: { authorizer: context } });
      return statusCode === 200 ? { context } : { status: statusCode };
    },

    /** Answers a frame, in the route of its action. */
    answer(event: WebSocketEvent): Promise<RouteResponse> {
      const action = actionOf(event.body ?? '');
      return (Object.hasOwn(routes, action) ? routes[action as Action] : otherwise)(event);
    },

    /** What happens when a connection has ended. */
    end: createForget({ directory, tasks }),

    manage: createManage({ directory, disconnect, revocations, erasure, inboxes, log, now }),

    /** Sends for services, on behalf of no user. */
    serviceSend: (onFailure: SendWiring['onFailure']): Send =>
      sendOf({ posting: createPosting({ poster, directory, tasks }), onFailure }),

    /** Loses every message that is kept, as if its time were over. */
    loseMessages(): void {
      messageLog.clear();
      lostUntilMs = now();
    },
  };
}

/** The action of a frame; an empty text if it has none. */
export function actionOf(text: string): string {
  const json = parseJson(text);
  const action = json.ok && isObject(json.value) ? json.value['action'] : undefined;
  return typeof action === 'string' ? action : '';
}
