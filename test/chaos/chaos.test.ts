import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { check, isClean } from './check.ts';
import type { Entry, Event } from './record.ts';
import { describeRun, summarize } from './report.ts';
import { runChaos } from './run.ts';

test('no message is lost, duplicated or reordered while faults occur (a short run of one seed)', async () => {
  const work = mkdtempSync(join(tmpdir(), 'beckon-chaos-'));
  onTestFinished(() => rmSync(work, { recursive: true }));
  const seed = 5;
  const options = { clients: 6, durationMs: 10_000, timeScale: 2, app: inject('app') };
  const { findings, entries } = await runChaos({ ...options, seed, recordFile: join(work, 'record.jsonl') });
  const totals = summarize(entries, findings);
  expect(isClean(findings), describeRun(seed, totals, findings)).toBe(true);
  expect(totals.acknowledged).toBeGreaterThan(20);
  expect(Math.min(totals.toRooms, totals.joins)).toBeGreaterThan(5);
  expect(totals.kills).toBeGreaterThan(0);
  expect(Object.keys(totals.faults).length).toBeGreaterThan(5);
});

describe('the check finds', () => {
  const serialOf = (sequence: number) => `S${sequence}`;
  const sent = (sequence: number, more = {}): Event => ({
    type: 'sent',
    id: `m${sequence}`,
    session: 'alice.a.1',
    device: 'alice.a',
    user: 'alice',
    sequence,
    to: ['bob'],
    stored: true,
    echo: false,
    ...more,
  });
  const acked = (sequence: number): Event => ({
    type: 'acked',
    id: `m${sequence}`,
    serial: serialOf(sequence),
    status: 'stored',
    duplicate: false,
  });
  const received = (sequence: number, device = 'bob.a', more = {}): Event => ({
    type: 'received',
    session: `${device}.1`,
    device,
    id: `m${sequence}`,
    serial: serialOf(sequence),
    sender: 'alice.a.1',
    sequence,
    socket: 1,
    ...more,
  });
  const devices: Event[] = ['bob.a', 'bob.b', 'eve.a'].flatMap((device): Event[] => [
    { type: 'device', device, user: device.slice(0, 3) },
    { type: 'session', session: `${device}.1`, device },
  ]);
  const judge = (...events: Event[]) => {
    const entries: Entry[] = [...devices, ...events].map((event, at) => ({ ...event, at }));
    return check(entries);
  };
  const both = (sequence: number) => [received(sequence, 'bob.a'), received(sequence, 'bob.b')];

  test('nothing in a clean run', () => {
    expect(isClean(judge(sent(1), sent(2), acked(1), acked(2), ...both(1), ...both(2)))).toBe(true);
  });

  test('a message that only one of two devices got', () => {
    expect(judge(sent(1), acked(1), received(1, 'bob.a')).lost).toEqual([{ device: 'bob.b', id: 'm1' }]);
  });

  describe('for a restarted device', () => {
    const again: Event[] = [
      { type: 'session', session: 'bob.a.2', device: 'bob.a' },
      { type: 'state', session: 'bob.a.2', status: 'connected' },
    ];
    const lost = [{ device: 'bob.a', id: 'm1' }];

    test('no loss of messages that another device of the user had before', () => {
      expect(isClean(judge(sent(1), acked(1), received(1, 'bob.b'), ...again))).toBe(true);
      const echo = sent(1, { session: 'bob.b.1', device: 'bob.b', user: 'bob', to: [], echo: true });
      expect(isClean(judge(echo, acked(1), ...again))).toBe(true);
    });

    test('a lost message that no device had by then, or that the user sent to themselves', () => {
      expect(judge(sent(1), acked(1), ...again, received(1, 'bob.b')).lost).toEqual(lost);
      expect(judge(sent(1, { user: 'bob' }), acked(1), ...again).lost).toContainEqual(lost[0]);
      expect(judge(sent(1), acked(1), received(1, 'bob.b'), again[0] as Event).lost).toEqual(lost);
    });

    test('how often it repeated earlier messages', () => {
      const copy = received(1, 'bob.a', { session: 'bob.a.2' });
      const findings = judge(sent(1), acked(1), ...both(1), ...again, copy);
      expect(findings.again).toBe(1);
      expect(isClean(findings)).toBe(true);
    });
  });

  test('no loss of unacknowledged or ephemeral messages', () => {
    expect(isClean(judge(sent(1), sent(2, { stored: false }), acked(2)))).toBe(true);
  });

  test('a gap, even an announced one', () => {
    const gap: Event = { type: 'gap', session: 'bob.a.1', detail: {} };
    const findings = judge(sent(1), acked(1), received(1, 'bob.b'), gap);
    expect(findings).toMatchObject({ lost: [], announced: [{ device: 'bob.a', id: 'm1' }], gaps: 1 });
    expect(isClean(findings)).toBe(false);
  });

  test('a duplicate', () => {
    expect(judge(sent(1), acked(1), ...both(1), received(1)).duplicated).toEqual([
      { session: 'bob.a.1', id: 'm1', times: 2 },
    ]);
  });

  test('a reordered message', () => {
    const events = [sent(1), sent(2), acked(1), acked(2), ...both(2), ...both(1)];
    expect(judge(...events).reordered).toMatchObject([
      { session: 'bob.a.1', id: 'm1', by: ['m2'] },
      { session: 'bob.b.1', id: 'm1', by: ['m2'] },
    ]);
  });

  test('a message that another user got', () => {
    expect(judge(sent(1), acked(1), ...both(1), received(1, 'eve.a')).strays).toEqual([{ device: 'eve.a', id: 'm1' }]);
  });

  describe('in a room', () => {
    const said = (sequence: number, more = {}) => sent(sequence, { to: [], room: 'lobby', ...more });
    const joining = (membership: number, device: string, more = {}): Event => ({
      type: 'joining',
      membership,
      session: `${device}.1`,
      device,
      room: 'lobby',
      ...more,
    });
    const joined = (membership: number): Event => ({ type: 'joined', membership });
    const leaving = (membership: number): Event => ({ type: 'leaving', membership });
    const bobIn = [joining(1, 'bob.a'), joined(1)];
    const gotBy = (membership: number, sequence: number, device = 'bob.a') =>
      received(sequence, device, { membership });
    const LOST = [{ device: 'bob.a', id: 'm1' }];

    test('nothing if all members have the message, and no one else', () => {
      const carol: Event[] = [joining(2, 'eve.a'), leaving(2)];
      expect(isClean(judge(...bobIn, ...carol, said(1), acked(1), gotBy(1, 1)))).toBe(true);
    });

    test('a message that a member missed who stayed to the end', () => {
      expect(judge(...bobIn, said(1), acked(1)).lost).toEqual(LOST);
    });

    test('no loss for a device that joined later, left, restarted, or failed to join', () => {
      expect(isClean(judge(said(1), ...bobIn, acked(1)))).toBe(true);
      expect(isClean(judge(...bobIn, said(1), acked(1), leaving(1)))).toBe(true);
      expect(
        isClean(judge(...bobIn, said(1), acked(1), { type: 'session', session: 'bob.a.2', device: 'bob.a' })),
      ).toBe(true);
      expect(isClean(judge(joining(1, 'bob.a'), said(1), acked(1)))).toBe(true);
    });

    test('a message that a member missed who resumed from an earlier one', () => {
      const cursor = (sequence: number) => [joining(1, 'bob.a', { cursor: serialOf(sequence) }), joined(1)];
      expect(judge(said(1), acked(1), ...cursor(0)).lost).toEqual(LOST);
      expect(isClean(judge(said(1), acked(1), ...cursor(1)))).toBe(true);
    });

    test('no loss at the device that sends', () => {
      const aliceIn = [joining(1, 'alice.a'), joined(1)];
      const device: Event[] = [{ type: 'device', device: 'alice.a', user: 'alice' }];
      expect(isClean(judge(...device, ...aliceIn, said(1), acked(1)))).toBe(true);
    });

    test('a message that a device got which was not a member, or no longer one', () => {
      expect(judge(said(1), gotBy(0, 1)).strays).toEqual(LOST);
      expect(judge(...bobIn, leaving(1), said(1), gotBy(1, 1)).strays).toEqual(LOST);
      expect(judge(...bobIn, said(1, { room: 'attic' }), gotBy(1, 1)).strays).toEqual(LOST);
    });

    test('duplicates and wrong order, for each membership alone, apart from messages to users', () => {
      const twice = [...bobIn, said(1), gotBy(1, 1), gotBy(1, 1)];
      expect(judge(...twice).duplicated).toMatchObject([{ id: 'm1', times: 2 }]);
      const again = [
        ...bobIn,
        said(1),
        said(2),
        gotBy(1, 1),
        gotBy(1, 2),
        leaving(1),
        joining(2, 'bob.a'),
        gotBy(2, 1),
      ];
      expect(isClean(judge(...again))).toBe(true);
      expect(judge(...bobIn, said(1), said(2), gotBy(1, 2), gotBy(1, 1)).reordered).toMatchObject([{ id: 'm1' }]);
      expect(isClean(judge(...bobIn, said(1), sent(2), received(2), gotBy(1, 1)))).toBe(true);
      expect(isClean(judge(said(1), said(2), ...bobIn, gotBy(1, 2), gotBy(1, 1)))).toBe(true);
    });
  });
});
