/** Puts the parts of several functions together over their ports: those of `server/aws/`, or stores in memory in `testing/`. */
import { randomUUID } from 'node:crypto';
import { monotonicFactory } from 'ulid';
import type { Problem } from '../protocol/index.ts';
import type { Now } from './clock.ts';
import type { InboxLimit } from './config.ts';
import type { AddressStates } from './connections/address-state.ts';
import type { Directory } from './connections/directory.ts';
import { createResume, type Resume, type ResumeDependencies } from './connections/resume.ts';
import type { RateLimit } from './gate/rate-limit.ts';
import { createSurcharge, type Surcharge, type UserBudgets } from './gate/user-budget.ts';
import type { ConversationList } from './history/conversation-list.ts';
import { describeError, type Logger } from './logger.ts';
import { createArrive } from './presence/presence.ts';
import type { PresenceStates } from './presence/presence-state.ts';
import { createQueueForIndex } from './search/indexing.ts';
import { createDeliveries } from './sending/delivery.ts';
import { createInboxGuard } from './sending/inbox-guard.ts';
import type { Inboxes } from './sending/inboxes.ts';
import type { MessageLog } from './sending/message-log.ts';
import type { Posting } from './sending/posting.ts';
import { createSend, type Send } from './sending/send.ts';
import type { Tasks } from './tasks.ts';

/** Charges users for work after it is done, in functions that work on behalf of users. */
export function wireSurcharge(dependencies: {
  readonly userBudgets: UserBudgets;
  readonly userRateLimit: RateLimit;
  readonly log: Logger;
}): Surcharge {
  const { userBudgets, userRateLimit, log } = dependencies;
  return createSurcharge({
    userBudgets,
    userRateLimit,
    onFailure: (error) =>
      log({ route: 'surcharge', outcome: 'failed', error: describeError(error), metrics: { Errors: 1 } }),
  });
}

/** Subscribes connections to an address, and resumes there. */
export function wireResume(
  dependencies: Omit<ResumeDependencies, 'arrive'> & {
    readonly presenceStates: PresenceStates;
    readonly tasks: Tasks;
  },
): Resume {
  return createResume({ ...dependencies, arrive: createArrive(dependencies) });
}

/** What sending needs. */
export interface SendWiring {
  readonly directory: Directory;
  readonly log: MessageLog;
  readonly inboxes: Inboxes;
  readonly states: AddressStates;
  readonly posting: Posting;
  readonly tasks: Tasks;
  /** What one user may leave in an inbox that nobody reads. */
  readonly inboxLimit: InboxLimit;
  readonly retentionSeconds: number;
  /** Whether messages are indexed. */
  readonly isSearched: boolean;
  /** Absent: there is no list of conversations. */
  readonly list?: Pick<ConversationList, 'note'> | undefined;
  readonly now: Now;
  readonly logger: Logger;
  /**
   * Called, besides the logger, with the reason why a message could not be sent, and with the problem that the sender
   * gets.
   */
  readonly onFailure?: ((cause: unknown, told: Problem) => void) | undefined;
  /** Chance for serials: at least 0 and less than 1. Default: the runtime's best. */
  readonly random?: () => number;
}

/** Sends messages for users and services. */
export function wireSend(wiring: SendWiring): Send {
  const { inboxes, states, inboxLimit, tasks, logger, now } = wiring;
  const mintSerial = monotonicFactory(wiring.random);
  const logFailure = (error: unknown) =>
    logger({ route: 'send', outcome: 'failed', error: describeError(error), metrics: { Errors: 1 } });
  const guard = createInboxGuard({
    inboxes,
    states,
    limit: { messages: inboxLimit.maxMessages, bytes: inboxLimit.maxBytes },
  });
  const queueForIndex = wiring.isSearched ? createQueueForIndex({ tasks, onFailure: logFailure }) : undefined;
  return createSend({
    deliveries: createDeliveries({ ...wiring, guard, mintSerial, queueForIndex }),
    now,
    retentionSeconds: wiring.retentionSeconds,
    mintSerial,
    mintId: randomUUID,
    onFailure(cause, told) {
      logFailure(cause);
      wiring.onFailure?.(cause, told);
    },
  });
}
