import { describe, expect, it } from 'vitest';
import { frameCharge, INDEXED_TARIFF, messageCharge, TARIFF } from '../../../protocol/index.ts';

/** Without a copy for the sender's other devices. */
const bob = { to: { user: 'bob' }, echo: false };
const users = (count: number) => Array.from({ length: count }, (_, index) => `user-${index}`);

describe('a message is charged', () => {
  it.each([
    ['one unit for a user', bob, 2, 1],
    ['one unit up to 3 KB', bob, 3072, 1],
    ['one more for each 3 KB begun', bob, 3073, 2],
    ['one more for the copy of the sender, by default', { to: { user: 'bob' } }, 2, 2],
    ['the same if the copy is asked for', { to: { user: 'bob' }, echo: true }, 2, 2],
    ['as many as it names users', { to: { users: users(100) }, echo: false }, 2, 100],
    ['each 3 KB for each of them', { to: { users: users(10) }, echo: false }, 30_720, 100],
    ['a user who is named twice once', { to: { users: ['bob', 'bob'] }, echo: false }, 2, 1],
    ['one unit for a room', { to: { room: 'lobby' } }, 2, 1],
  ])('%s', (_, message, dataBytes, units) => {
    expect(messageCharge(message, dataBytes, TARIFF)).toBe(units);
  });

  it.each([
    ['one unit more for each 20 bytes begun', bob, 21, 1 + 2],
    ['at most ten more', bob, 3072, 1 + 10],
    ['those for each recipient', { to: { users: users(100) }, echo: false }, 200, 100 + 1000],
    ['none of them for the copy of the sender', { to: { user: 'bob' }, echo: true }, 10, 2 + 1],
    ['none of them if it is not kept', { ...bob, ephemeral: true }, 200, 1],
    ['none of them if nobody can read it', { ...bob, encoding: 'gzip/base64' }, 200, 1],
    ['all ten if it is compressed', { ...bob, encoding: 'json/gzip/base64' }, 10, 1 + 10],
  ])('where messages are indexed, %s', (_, message, dataBytes, units) => {
    expect(messageCharge(message, dataBytes, INDEXED_TARIFF)).toBe(units);
  });
});

type Frame = Parameters<typeof frameCharge>[0];

describe('a frame is charged', () => {
  const conversation = { user: 'bob' };
  const marks = Array.from({ length: 50 }, () => ({ conversation }));
  it.each<[string, Frame, number]>([
    ['one unit', { action: 'register' }, 1],
    ['one unit for each mark', { action: 'mark', marks }, 50],
    ['one unit for each unread conversation', { action: 'unread', conversations: [conversation, conversation] }, 2],
    ['one unit for ten users who are watched', { action: 'presence', users: users(10), watch: true }, 1],
    ['one more for each ten begun', { action: 'presence', users: users(100), watch: true }, 10],
    ['one unit for a room that is watched', { action: 'presence', room: 'lobby', watch: true }, 1],
  ])('%s', (_, frame, units) => {
    expect(frameCharge(frame, TARIFF)).toBe(units);
  });
});
