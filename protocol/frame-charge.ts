import type { ClientFrame } from './frames.ts';
import { MAX_CONVERSATIONS_PER_FRAME, type Tariff } from './limits.ts';

/**
 * Returns the price of a frame that sends no message.
 * @returns Units, at least 1.
 */
export function frameCharge(frame: Exclude<ClientFrame, { action: 'sendMessage' }>, tariff: Tariff): number {
  if (frame.action === 'mark') return frame.marks.length;
  // Of the whole list, as many are counted at most.
  if (frame.action === 'unread') return frame.conversations?.length ?? MAX_CONVERSATIONS_PER_FRAME;
  if (frame.action === 'conversations') return MAX_CONVERSATIONS_PER_FRAME;
  return 'users' in frame ? Math.ceil(frame.users.length / tariff.targetsPerUnit) : 1;
}
