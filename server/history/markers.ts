import {
  frameCharge,
  type Mark,
  type MarkedReply,
  type MarkerPush,
  type Markers,
  type MarkFrame,
  problem,
  type ReceiptPush,
  type Result,
  TARIFF,
} from '../../protocol/index.ts';
import { type Correspondent, peerAddress, userAddress } from '../address.ts';
import type { Now } from '../clock.ts';
import { mapConcurrently } from '../concurrency.ts';
import type { Connection } from '../connections/connection.ts';
import type { Directory, Mapping } from '../connections/directory.ts';
import type { Permit } from '../gate/gate.ts';
import { MAX_DIRECT_CONNECTIONS } from '../sending/fan-out.ts';
import type { Inboxes } from '../sending/inboxes.ts';
import type { MessageLog } from '../sending/message-log.ts';
import type { Posting, PushPost } from '../sending/posting.ts';
import { isInFuture } from '../serial.ts';

/** Whose markers, and in which conversation. */
export interface MarkerKey {
  readonly userId: string;
  /** The other user, the room or the service. */
  readonly peer: Correspondent;
}

/** How far users have received and read the messages of others. Markers only move forward. */
export interface MarkerStore {
  /** The markers of each key, in their order. Strongly consistent. At most 100 keys. */
  read(keys: readonly MarkerKey[]): Promise<readonly Markers[]>;

  /**
   * Moves a marker to `serial`. @returns the markers after it; `undefined` if the marker was there already, or further
   * on
   */
  move(key: MarkerKey, marker: keyof Markers, serial: string): Promise<Markers | undefined>;
}

/** Moves markers of a user, and tells the authors of the messages and the user's other connections. */
export type MarkMessages = (
  connection: Connection,
  frame: Pick<MarkFrame, 'marks'>,
) => Promise<Result<Omit<MarkedReply, 'id'>>>;

/** Conversations whose markers are moved at once. */
const MAX_CONCURRENT_MARKS = 10;

export function createMark(dependencies: {
  permit: Permit;
  markers: MarkerStore;
  log: Pick<MessageLog, 'senderOf'>;
  inboxes: Pick<Inboxes, 'isBlocked'>;
  directory: Pick<Directory, 'find'>;
  posting: Pick<Posting, 'push'>;
  now: Now;
}): MarkMessages {
  const { permit, markers, log, inboxes, directory, posting, now } = dependencies;

  /** @returns the markers after the move; each is `undefined` if that marker has not moved */
  async function move(userId: string, { conversation, received, read }: Mark) {
    const key = { userId, peer: peerAddress(conversation) };
    return {
      received: received === undefined ? undefined : await markers.move(key, 'received', received),
      read: read === undefined ? undefined : await markers.move(key, 'read', read),
    };
  }

  /** Whether a serial is one of a message from the other user, and that user has not blocked this one. */
  async function concerns(other: string, userId: string, { received, read }: Mark): Promise<boolean> {
    const serials = new Set([received, read].filter((serial) => serial !== undefined));
    const [isBlocked, ...senders] = await Promise.all([
      inboxes.isBlocked({ recipient: other, sender: userId }),
      ...[...serials].map((serial) => log.senderOf(userAddress(userId), serial)),
    ]);
    return !isBlocked && senders.some((from) => from && 'user' in from && from.user === other);
  }

  const find = (userId: string) =>
    directory.find(userAddress(userId), { consistent: false, limit: MAX_DIRECT_CONNECTIONS });

  async function receipts(userId: string, mark: Mark, moved: Markers): Promise<readonly PushPost[]> {
    const { conversation } = mark;
    // A room has no author to tell, and a service no connection.
    if (!('user' in conversation) || conversation.user === userId) return [];
    // Users get receipts only for messages that they have sent.
    if (!(await concerns(conversation.user, userId, mark))) return [];
    const frame: ReceiptPush = { type: 'receipt', from: { user: userId }, ...moved };
    return (await find(conversation.user)).map((target) => ({ target, frame }));
  }

  /** @param findOthers Returns the user's other connections. */
  async function markOne(userId: string, mark: Mark, findOthers: () => Promise<readonly Mapping[]>): Promise<void> {
    const { received, read } = await move(userId, mark);
    const moved = read ?? received;
    if (!moved) return;
    const [others, posts] = await Promise.all([read ? findOthers() : [], receipts(userId, mark, moved)]);
    const frame = { type: 'marker', conversation: mark.conversation, ...moved } as MarkerPush;
    await posting.push(userId, [...others.map((target) => ({ target, frame })), ...posts]);
  }

  return async (connection, { marks }) => {
    const wrong = problemOf(marks, now());
    if (wrong) return { ok: false, problem: wrong };
    const peers = marks.map(({ conversation }) => peerAddress(conversation));
    const admitted = await permit(connection, 'history', peers, {
      cost: frameCharge({ action: 'mark', marks }, TARIFF),
    });
    if (!admitted.ok) return admitted;
    const { userId, connectionId } = connection;
    let others: Promise<readonly Mapping[]> | undefined;
    const findOthers = () => {
      others ??= find(userId).then((all) => all.filter((each) => each.connectionId !== connectionId));
      return others;
    };
    await mapConcurrently(marks, MAX_CONCURRENT_MARKS, (mark) => markOne(userId, mark, findOthers));
    return { ok: true, value: { type: 'marked' } };
  };
}

/** A marker in the future would mark messages as read that nobody has written yet. */
function problemOf(marks: readonly Mark[], nowMs: number) {
  for (const [index, { received, read }] of marks.entries()) {
    if (received === undefined && read === undefined) {
      return problem('invalid_frame', `"marks.${index}" must have "received" or "read"`);
    }
    for (const serial of [received, read]) {
      if (serial !== undefined && isInFuture(serial, nowMs)) {
        return problem('invalid_cursor', `"marks.${index}" is in the future: send the serial of a message`);
      }
    }
  }
  return undefined;
}
