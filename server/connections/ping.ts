import { OVERLAP_MS, type PingFrame, type PongReply, problem, type Result } from '../../protocol/index.ts';
import { userAddress } from '../address.ts';
import type { Now } from '../clock.ts';
import type { Admit } from '../gate/gate.ts';
import type { MessageLog, Page } from '../sending/message-log.ts';
import { isInFuture, serialFloor, serialTime } from '../serial.ts';
import type { AddressStates } from './address-state.ts';
import type { Connection } from './connection.ts';

/**
 * Keeps a connection alive. With a cursor, it acknowledges, and returns the messages that the connection missed.
 * `shown` is kept for devices that come later.
 */
export type Ping = (
  connection: Connection,
  frame: Pick<PingFrame, 'cursor' | 'shown'>,
) => Promise<Result<Omit<PongReply, 'id'>>>;

const NOTHING: Page = { messages: [], more: false };

export function createPing(dependencies: { admit: Admit; log: MessageLog; states: AddressStates; now: Now }): Ping {
  const { admit, log, states, now } = dependencies;
  return async (connection, { cursor, shown }) => {
    const serverTime = now();
    if (shown && cursor === undefined)
      return { ok: false, problem: problem('invalid_frame', '"shown" must come with "cursor"') };
    if (cursor !== undefined && isInFuture(cursor, serverTime))
      return { ok: false, problem: problem('invalid_cursor') };
    const admitted = await admit(connection);
    if (!admitted.ok) return admitted;
    const address = userAddress(connection.userId);
    const [{ messages, more }] =
      cursor === undefined
        ? [NOTHING]
        : await Promise.all([
            log.read(address, serialFloor(serialTime(cursor) - OVERLAP_MS)),
            states.acknowledge(address, cursor),
            shown && states.keepShown(address, cursor, shown),
          ]);
    return { ok: true, value: { type: 'pong', serverTime, messages, more } };
  };
}
