import {
  type ConversationSummary,
  type ConversationsFrame,
  type ConversationsReply,
  frameCharge,
  jsonByteLength,
  MAX_CONVERSATIONS_PER_FRAME,
  type Message,
  type Result,
  TARIFF,
} from '../../protocol/index.ts';
import { peerOf, transcriptOf, userAddress } from '../address.ts';
import { allows, type Capability } from '../auth/capability.ts';
import type { Now } from '../clock.ts';
import { mapConcurrently } from '../concurrency.ts';
import type { Connection } from '../connections/connection.ts';
import type { Permit } from '../gate/gate.ts';
import { MAX_PAGE_BYTES } from '../reply-size.ts';
import { serialFloor } from '../serial.ts';
import type { ConversationList, ListedConversation } from './conversation-list.ts';
import type { MarkerStore } from './markers.ts';
import type { Transcripts } from './transcripts.ts';
import { countUnread, sumOf, type UnreadCount } from './unread-count.ts';

/** The most items of the list that are read. A user with more conversations within the retention sees only some of them. */
const MAX_LISTED = 1_000;

/**
 * How many rooms the list has at most: those that the user joined last. The list reads the log of each room, because a message to a room
 * writes nothing for its members.
 */
const MAX_LISTED_ROOMS = 50;

/** Conversations that are read at once. */
const MAX_CONCURRENT_READS = 10;

/** Lists the conversations of a user, the newest activity first. */
export type Conversations = (
  connection: Connection,
  frame: Pick<ConversationsFrame, 'before' | 'limit'>,
) => Promise<Result<Omit<ConversationsReply, 'id'>>>;

/** A conversation, and where it is in the list. */
interface Active extends ListedConversation {
  /** Serial and address: two conversations may have the same serial. */
  readonly position: string;
  /** The serial of the newest activity. */
  readonly newest: string;
  /** The newest message of a room. */
  readonly message?: Message | undefined;
}

export interface ListingDependencies {
  readonly list: Pick<ConversationList, 'read'>;
  readonly transcripts: Pick<Transcripts, 'read' | 'count' | 'find'>;
  readonly retentionSeconds: number;
  readonly now: Now;
}

/** Reads the list, for `conversations` and for the total of `unread`. */
export function createListing({ list, transcripts, retentionSeconds, now }: ListingDependencies) {
  async function newestMessage(userId: string, peer: ListedConversation['peer']): Promise<Message | undefined> {
    const { entries } = await transcripts.read(transcriptOf(userId, peerOf(peer)), {}, 1);
    return entries[0]?.message;
  }

  return {
    newestMessage,

    /** The conversations that a capability allows to read, the newest activity first. */
    async activities(userId: string, capability: Capability): Promise<readonly Active[]> {
      const listed = (await list.read(userId, MAX_LISTED)).filter(({ peer }) => allows(capability, 'history', peer));
      const rooms = listed
        .filter(({ peer }) => peer.startsWith('room#'))
        .sort((one, other) => (one.last < other.last ? 1 : -1))
        .slice(0, MAX_LISTED_ROOMS);
      const ofRooms = await mapConcurrently(rooms, MAX_CONCURRENT_READS, async (room): Promise<Active> => {
        const message = await newestMessage(userId, room.peer);
        const newest = message && message.serial > room.last ? message.serial : room.last;
        return { ...room, newest, message, position: newest + room.peer };
      });
      const others = listed
        .filter(({ peer }) => !peer.startsWith('room#'))
        .map((each): Active => ({ ...each, newest: each.last, position: each.last + each.peer }));
      return [...ofRooms, ...others].sort((one, other) => (one.position < other.position ? 1 : -1));
    },

    async count(userId: string, { peer, read, newest }: Active): Promise<UnreadCount> {
      if (read !== undefined && read >= newest) return { count: 0, more: false };
      const after = read ?? serialFloor(now() - retentionSeconds * 1000);
      return countUnread(transcripts, transcriptOf(userId, peerOf(peer)), { after, userId });
    },

    /** What is unread in the conversations with the newest activity. */
    async total(userId: string, capability: Capability): Promise<UnreadCount> {
      const newest = (await this.activities(userId, capability)).slice(0, MAX_CONVERSATIONS_PER_FRAME);
      return sumOf(await mapConcurrently(newest, MAX_CONCURRENT_READS, (each) => this.count(userId, each)));
    },
  };
}

export function createConversations(
  dependencies: ListingDependencies & { readonly permit: Permit; readonly markers: Pick<MarkerStore, 'read'> },
): Conversations {
  const { permit, markers } = dependencies;
  const listing = createListing(dependencies);

  return async (connection, { before, limit = MAX_CONVERSATIONS_PER_FRAME }) => {
    const { userId } = connection;
    const admitted = await permit(connection, 'history', [], {
      cost: frameCharge({ action: 'conversations' }, TARIFF),
    });
    if (!admitted.ok) return admitted;
    const all = await listing.activities(userId, admitted.value.capability);
    const behind = before === undefined ? all : all.filter(({ position }) => position < before);
    const page = behind.slice(0, limit);
    const users = page.filter(({ peer }) => peer.startsWith('user#'));
    const keys = users.map(({ peer }) => ({ userId: peer.slice('user#'.length), peer: userAddress(userId) }));
    const [theirs, entries] = await Promise.all([
      keys.length > 0 ? markers.read(keys) : [],
      mapConcurrently(page, MAX_CONCURRENT_READS, async (each): Promise<ConversationSummary> => {
        const isRoom = each.peer.startsWith('room#');
        const [last, unread] = await Promise.all([
          isRoom ? each.message : listing.newestMessage(userId, each.peer),
          listing.count(userId, each),
        ]);
        const { peer, read } = each;
        return { conversation: peerOf(peer), ...(last && { last }), unread, ...(read !== undefined && { read }) };
      }),
    ]);
    const conversations: ConversationSummary[] = [];
    let bytes = 0;
    for (const [index, entry] of entries.entries()) {
      const active = page[index];
      const peer = active && theirs[users.indexOf(active)];
      const whole = { ...entry, ...(peer && { peer }) };
      bytes += jsonByteLength(whole) + 1;
      if (bytes > MAX_PAGE_BYTES) break;
      conversations.push(whole);
    }
    const next = conversations.length < behind.length ? page[conversations.length - 1]?.position : undefined;
    return { ok: true, value: { type: 'conversations', conversations, ...(next !== undefined && { next }) } };
  };
}
