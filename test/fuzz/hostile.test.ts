import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../local/index.ts';
import { hostileFrames, runHostile } from './hostile.ts';

const FRAMES = 2_000;

let cloud: LocalCloud;

beforeAll(async () => {
  cloud = await startLocalCloud({ app: inject('app'), port: 0, parameters: { Issuer: '{endpointUrl}/_local' } });
});

afterAll(() => cloud.close());

test(`${FRAMES} hostile frames get designed answers, and other users notice nothing`, async () => {
  const { sent, cutOff, closed, replies, failures } = await runHostile({ cloud, seed: 1, frames: FRAMES });
  expect(failures).toEqual([]);
  expect(Object.values(replies).reduce((sum, count) => sum + count, 0)).toBe(sent - cutOff);
  expect(closed).toBeGreaterThan(0);
  expect(Object.keys(replies)).toEqual(
    expect.arrayContaining([
      'invalid_json',
      'invalid_frame',
      'forbidden',
      'registered',
      'joined',
      'ack',
      'history',
      'presence',
      'marked',
      'unread',
    ]),
  );
  expect(cloud.log().filter(({ level }) => level === 'error')).toEqual([]);
});

test('a seed repeats its frames', () => {
  expect(hostileFrames(7, 50)).toEqual(hostileFrames(7, 50));
  expect(hostileFrames(7, 50)).not.toEqual(hostileFrames(8, 50));
});
