import { beforeEach, describe, expect, test } from 'vitest';
import { ERROR_CODES, type ErrorCode, type ErrorCodeInfo, problem } from '../../../../protocol/index.ts';
import { createNoteAnswer, type NoteAnswer, type Offences } from '../../../../server/gate/offences.ts';
import type { Task } from '../../../../server/tasks.ts';
import { createMemoryOffences } from '../../../../testing/memory/offences.ts';

const BOB = { userId: 'bob', connectionId: 'b1=' };
const LEAVING = { kind: 'disconnect', ...BOB, callbackUrl: 'https://api' };

let nowMs: number;
let tasks: Task[];
let added: number[];
let offences: Offences;
let note: NoteAnswer;

beforeEach(() => {
  nowMs = 1_800_000_000_000;
  tasks = [];
  added = [];
  const inMemory = createMemoryOffences(() => nowMs);
  offences = {
    add: (offender, count) => {
      added.push(count);
      return inMemory.add(offender, count);
    },
  };
  note = environment();
});

function environment(): NoteAnswer {
  const add = async (more: readonly Task[]) => {
    tasks.push(...more);
  };
  return createNoteAnswer({ offences, tasks: { add }, callbackUrl: 'https://api', now: () => nowMs });
}

async function repeat(times: number, code: ErrorCode, offender = BOB) {
  for (let time = 0; time < times; time += 1) await note(offender, problem(code));
}

describe('a connection that sends wrong frames', () => {
  test('fifty within a minute is told what the last one was, closed, and kept away for a minute', async () => {
    await repeat(20, 'invalid_json');
    await repeat(29, 'invalid_frame');
    expect(tasks).toEqual([]);
    await repeat(1, 'unknown_action');
    const message =
      'Too many frames were refused within a minute. The last one: The action is unknown. Send one of the actions of the protocol.';
    const bye = { code: 'unknown_action', message, reconnect: true, retryAfterMs: 60_000 };
    expect(tasks).toEqual([{ ...LEAVING, bye }]);
    expect(added).toEqual([10, 10, 10, 10, 10]);
  });

  test('is closed by another task fifty frames later: one may get lost', async () => {
    await repeat(99, 'invalid_json');
    expect(tasks).toHaveLength(1);
    await repeat(1, 'invalid_json');
    expect(tasks).toHaveLength(2);
  });

  test('forty of them a minute stays open', async () => {
    for (let minute = 0; minute < 10; minute += 1) {
      await repeat(40, 'invalid_frame');
      nowMs += 60_000;
    }
    expect(tasks).toEqual([]);
  });

  test('now and then costs no write', async () => {
    for (let minute = 0; minute < 10; minute += 1) {
      await repeat(9, 'invalid_frame');
      nowMs += 60_000;
    }
    expect(added).toEqual([]);
  });

  test('is counted by itself', async () => {
    await repeat(49, 'invalid_frame');
    await repeat(49, 'invalid_frame', { ...BOB, connectionId: 'b2=' });
    expect(tasks).toEqual([]);
  });

  test('gets an internal error when its frames cannot be counted', async () => {
    offences = { add: () => Promise.reject(new Error('no table')) };
    note = environment();
    await expect(repeat(10, 'invalid_frame')).rejects.toThrow('no table');
  });
});

test.each<[ErrorCode, number | undefined]>([
  ['invalid_json', 50],
  ['invalid_frame', 50],
  ['unknown_action', 50],
  ['frame_too_large', 50],
  ['not_registered', 50],
  ['invalid_token', 50],
  ['invalid_cursor', 100],
  ['search_disabled', 100],
  ['conversations_disabled', 100],
  ['superseded', 100],
  ['connection_removed', 100],
])('%s closes a connection after %i times', async (code, times = 0) => {
  await repeat(times - 1, code);
  expect(tasks).toEqual([]);
  await repeat(1, code);
  expect(tasks).toMatchObject([{ ...LEAVING, bye: { code, reconnect: true, retryAfterMs: 60_000 } }]);
});

test('no other refusal closes a connection', async () => {
  for (const [code, info] of Object.entries<ErrorCodeInfo>(ERROR_CODES)) {
    if (info.offence === undefined && code !== 'token_expired') await repeat(200, code as ErrorCode);
  }
  expect(tasks).toEqual([]);
  expect(added).toEqual([]);
});

describe('a connection that sends too fast', () => {
  test('stays open if it waits, so that a frame is accepted after each refused one', async () => {
    for (let time = 0; time < 1000; time += 1) {
      await repeat(1, 'rate_limited');
      await note(BOB, undefined);
    }
    expect(tasks).toEqual([]);
    expect(added).toEqual([]);
  });

  test('is closed when four hundred frames in a row within a minute are refused', async () => {
    await repeat(400, 'rate_limited');
    expect(tasks).toEqual([]);
    expect(added).toHaveLength(39);
    await repeat(1, 'rate_limited');
    expect(tasks).toMatchObject([{ ...LEAVING, bye: { code: 'rate_limited', reconnect: true, retryAfterMs: 60_000 } }]);
  });
});

describe('a connection whose token has expired', () => {
  const ending = { ...LEAVING, unlessLive: true, delaySeconds: 10, bye: { code: 'token_expired', reconnect: true } };

  test('is closed after a grace, unless it has a newer one by then, and costs one task meanwhile', async () => {
    await repeat(300, 'token_expired');
    expect(tasks).toMatchObject([ending]);
    expect(added).toEqual([]);
  });

  test('is closed again if it is still open after the grace period: the task may have got lost', async () => {
    await repeat(1, 'token_expired');
    nowMs += 9_999;
    await repeat(1, 'token_expired');
    expect(tasks).toHaveLength(1);
    nowMs += 1;
    await repeat(1, 'token_expired');
    expect(tasks).toMatchObject([ending, ending]);
  });
});

test('an environment remembers ten thousand connections, and forgets the oldest first', async () => {
  const offender = (index: number) => ({ ...BOB, connectionId: `c${index}=` });
  for (let index = 0; index <= 10_000; index += 1) await repeat(9, 'invalid_json', offender(index));
  await repeat(1, 'invalid_json', offender(1));
  expect(added).toEqual([10]);
  await repeat(1, 'invalid_json', offender(0));
  expect(added).toEqual([10]);
});
