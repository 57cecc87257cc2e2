import { isObject } from '../../protocol/json.ts';
import { type Fields, isPage } from '../connection/frames.ts';

/** Whether it is a frame about rooms, presence or history. Checks just enough that handling it cannot throw. */
export function isCallsFrame({ type, cursor, messages, more, users, conversations }: Fields): boolean {
  switch (type) {
    case 'joined':
      return typeof cursor === 'string' && isPage(messages, more);
    case 'history':
    case 'search':
      return isPage(messages, more);
    case 'presence':
      return Array.isArray(users) && users.every((user) => isObject(user) && typeof user['user'] === 'string');
    case 'blocked':
      return Array.isArray(users);
    case 'conversations':
    case 'unread':
      return Array.isArray(conversations);
    default:
      return type === 'left' || type === 'marked';
  }
}
