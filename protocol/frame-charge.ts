import type { ClientFrame } from './frames.ts';
import type { Tariff } from './limits.ts';

/**
 * Returns the price of a frame that sends no message.
 * @returns Units, at least 1.
 */
export function frameCharge(frame: Exclude<ClientFrame, { action: 'sendMessage' }>, tariff: Tariff): number {
  if ('marks' in frame) return frame.marks.length;
  if ('conversations' in frame) return frame.conversations.length;
  return 'users' in frame ? Math.ceil(frame.users.length / tariff.targetsPerUnit) : 1;
}
