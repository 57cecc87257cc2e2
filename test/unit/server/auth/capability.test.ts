import { expect, test } from 'vitest';
import { type Address, conversationOf, peerAddress, roomAddress, userAddress } from '../../../../server/address.ts';
import { allows, capabilityOfClaim, DEFAULT_CAPABILITY } from '../../../../server/auth/capability.ts';

const CAPABILITY = {
  'room:team-*': ['join', 'send'],
  'room:*-news': ['join'],
  'room:a*b*c': ['join'],
  'room:exact': ['join'],
  'user:*': ['send'],
} as const;

test.each([
  ['team-red', true],
  ['team-', true],
  ['team', false],
  ['my team-red', false],
  ['sports-news', true],
  ['sports-news-old', false],
  ['abc', true],
  ['aXbYc', true],
  ['acb', false],
  ['ab', false],
  ['exact', true],
  ['exact ', false],
  ['Exact', false],
  ['team-*', true],
  ['team-#1 🎉', true],
])('join at the room %j: %s', (room, allowed) => {
  expect(allows(CAPABILITY, 'join', roomAddress(room))).toBe(allowed);
});

test('an operation is allowed where a resource has it, and a user is not a room', () => {
  expect(allows(CAPABILITY, 'send', roomAddress('team-red'))).toBe(true);
  expect(allows(CAPABILITY, 'send', roomAddress('exact'))).toBe(false);
  expect(allows(CAPABILITY, 'history', roomAddress('team-red'))).toBe(false);
  expect(allows(CAPABILITY, 'send', userAddress('team-red'))).toBe(true);
  expect(allows(CAPABILITY, 'join', userAddress('team-red'))).toBe(false);
  expect(allows({}, 'send', userAddress('bob'))).toBe(false);
});

test('a "#" in a name does not change the address', () => {
  expect(allows({ 'user:*': ['send'] }, 'send', roomAddress('user#bob'))).toBe(false);
  expect(allows({ 'room:*': ['join'] }, 'join', userAddress('room#lobby'))).toBe(false);
  for (const conversation of [{ user: 'room#lobby' }, { room: 'user#bob' }]) {
    expect(conversationOf(peerAddress(conversation) as Address)).toEqual(conversation);
  }
});

test('a service is neither a user nor a room, and wildcards name several', () => {
  const billing = peerAddress({ service: 'billing' });
  expect(allows({ 'service:bill*': ['history'] }, 'history', billing)).toBe(true);
  expect(allows({ 'service:bill*': ['history'] }, 'send', billing)).toBe(false);
  expect(allows({ 'service:mail': ['history'] }, 'history', billing)).toBe(false);
  expect(allows({ 'user:*': ['history'], 'room:*': ['history'] }, 'history', billing)).toBe(false);
  expect(allows(DEFAULT_CAPABILITY, 'history', billing)).toBe(true);
});

test('a pattern of many stars does not take long', () => {
  const pattern = `room:${'a*'.repeat(1000)}b`;
  expect(allows({ [pattern]: ['join'] }, 'join', roomAddress('a'.repeat(256)))).toBe(false);
});

test.each([[{}], [{ 'user:*': [] }], [{ 'room:a': ['join', 'send', 'history', 'presence'] }]])(
  '%j is a capability',
  (claim) => {
    expect(capabilityOfClaim(claim)).toEqual(claim);
    expect(capabilityOfClaim(JSON.stringify(claim))).toEqual(claim);
  },
);

test.each([
  [null],
  ['"{}"'],
  ['{"user:*":["send"]'],
  [''],
  [[]],
  [{ '*': ['send'] }],
  [{ 'user:': ['send'] }],
  [{ 'group:x': ['send'] }],
  [{ 'user:*': 'send' }],
  [{ 'user:*': ['fly'] }],
  [{ [`room:${'x'.repeat(4096)}`]: ['join'] }],
  [{ [`room:${'歌'.repeat(1365)}`]: ['join'] }],
])('%j is not a capability', (claim) => {
  expect(capabilityOfClaim(claim)).toBeUndefined();
});
