import { describe, expect, it } from 'vitest';
import { deliveryOf } from '../../../../examples/chat/delivery.ts';
import type { Fate } from '../../../../examples/chat/timeline.ts';

const BOB = { user: 'bob' };
const ONLINE = { user: 'bob', online: true };
const OFFLINE = { user: 'bob', online: false };
const QUEUED: Fate = { kind: 'queued' };
const STORED: Fate = { kind: 'accepted', isStored: true };
const SENT: Fate = { kind: 'accepted', isStored: false };

describe('how far a message has come', () => {
  it.each([
    ['it is queued until the server has taken it', { fate: QUEUED }, BOB, {}, ONLINE, 'Queued'],
    ['it has failed', { fate: { kind: 'failed', why: 'Too long' } as Fate }, BOB, {}, ONLINE, 'Too long'],
    ['it was taken', { serial: '2', fate: SENT }, BOB, {}, ONLINE, 'Sent'],
    ['it was taken, whatever was believed before', { serial: '2', fate: QUEUED }, BOB, {}, ONLINE, 'Sent'],
    ['it waits for somebody who is not there', { serial: '2', fate: STORED }, BOB, {}, OFFLINE, 'Waits for bob'],
    ['it waits, though another page has sent it', { serial: '2' }, BOB, {}, OFFLINE, 'Waits for bob'],
    ['it waits no longer for somebody who has come', { serial: '2', fate: STORED }, BOB, {}, ONLINE, 'Sent'],
    ['it was on its way when they went', { serial: '2', fate: SENT }, BOB, {}, OFFLINE, 'Sent'],
    ['nobody knows whether they are there', { serial: '2', fate: STORED }, BOB, {}, undefined, 'Sent'],
    ['an earlier one was received', { serial: '2' }, BOB, { received: '1' }, ONLINE, 'Sent'],
    ['it was received', { serial: '2' }, BOB, { received: '2' }, OFFLINE, 'Delivered'],
    ['an earlier one was read', { serial: '2' }, BOB, { received: '3', read: '1' }, OFFLINE, 'Delivered'],
    ['a later one was read', { serial: '2' }, BOB, { read: '3' }, OFFLINE, 'Read'],
    ['it is in a room', { serial: '2', fate: STORED }, { room: 'lobby' }, {}, undefined, 'Sent'],
  ])('%s', (_, entry, place, peer, presence, text) => {
    expect(deliveryOf(entry, place, peer, presence).text).toBe(text);
  });
});
