import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { check, isClean } from './check.ts';
import type { Entry, Event } from './record.ts';
import { describeRun, summarize } from './report.ts';
import { runChaos } from './run.ts';

test('nothing is lost, duplicated or reordered while everything goes wrong (a short run of one seed)', async () => {
  const work = mkdtempSync(join(tmpdir(), 'beckon-chaos-'));
  onTestFinished(() => rmSync(work, { recursive: true }));
  const seed = 5;
  const options = { clients: 6, durationMs: 10_000, timeScale: 2, app: inject('app') };
  const { findings, entries } = await runChaos({ ...options, seed, recordFile: join(work, 'record.jsonl') });
  const totals = summarize(entries, findings);
  expect(isClean(findings), describeRun(seed, totals, findings)).toBe(true);
  expect(totals.acknowledged).toBeGreaterThan(20);
  expect(totals.kills).toBeGreaterThan(0);
  expect(Object.keys(totals.faults).length).toBeGreaterThan(5);
});

describe('the judge finds', () => {
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
    status: 'stored',
    duplicate: false,
  });
  const received = (sequence: number, device = 'bob.a'): Event => ({
    type: 'received',
    session: `${device}.1`,
    device,
    id: `m${sequence}`,
    serial: '',
    sender: 'alice.a.1',
    sequence,
    socket: 1,
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

  test('nothing where nothing is wrong', () => {
    expect(isClean(judge(sent(1), sent(2), acked(1), acked(2), ...both(1), ...both(2)))).toBe(true);
  });

  test('a message that one of two devices did not get', () => {
    expect(judge(sent(1), acked(1), received(1, 'bob.a')).lost).toEqual([{ device: 'bob.b', id: 'm1' }]);
  });

  test('no loss of what was not acknowledged, or was not to be kept', () => {
    expect(isClean(judge(sent(1), sent(2, { stored: false }), acked(2)))).toBe(true);
  });

  test('a gap, even one that was announced', () => {
    const gap: Event = { type: 'gap', session: 'bob.a.1', detail: {} };
    const findings = judge(sent(1), acked(1), received(1, 'bob.b'), gap);
    expect(findings).toMatchObject({ lost: [], announced: [{ device: 'bob.a', id: 'm1' }], gaps: 1 });
    expect(isClean(findings)).toBe(false);
  });

  test('a message that was handed over twice', () => {
    expect(judge(sent(1), acked(1), ...both(1), received(1)).duplicated).toEqual([
      { session: 'bob.a.1', id: 'm1', times: 2 },
    ]);
  });

  test('a message that was overtaken', () => {
    const events = [sent(1), sent(2), acked(1), acked(2), ...both(2), ...both(1)];
    expect(judge(...events).reordered).toMatchObject([
      { session: 'bob.a.1', id: 'm1', by: ['m2'] },
      { session: 'bob.b.1', id: 'm1', by: ['m2'] },
    ]);
  });

  test('a message that was handed to somebody else', () => {
    expect(judge(sent(1), acked(1), ...both(1), received(1, 'eve.a')).strays).toEqual([{ device: 'eve.a', id: 'm1' }]);
  });
});
