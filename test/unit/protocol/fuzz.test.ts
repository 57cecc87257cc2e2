import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Action, CLIENT_FRAMES, checkFrame, checkMessage, ERROR_CODES } from '../../../protocol/index.ts';
import { mutated, validFrames } from '../../fuzz/frames.ts';

const actions = Object.keys(CLIENT_FRAMES) as Action[];
const anyAction = fc.constantFrom(...actions);

/** The longest that an error frame may get, whatever was sent: it must not grow with it. */
const MAX_MESSAGE_LENGTH = 250;

function expectDesigned(result: ReturnType<typeof checkFrame<Action>> | ReturnType<typeof checkMessage>): void {
  if (result.ok) return;
  const { code, message, retryable } = result.problem;
  expect(ERROR_CODES[code]).toBeDefined();
  expect(message.length).toBeGreaterThan(0);
  expect(message.length).toBeLessThan(MAX_MESSAGE_LENGTH);
  expect(retryable).toBe(false);
}

describe('whatever comes in, the schemas either take it or say what is wrong', () => {
  test('any JSON', () => {
    fc.assert(fc.property(anyAction, fc.jsonValue(), (action, json) => expectDesigned(checkFrame(action, json))));
    fc.assert(fc.property(fc.jsonValue(), (json) => expectDesigned(checkMessage(json))));
  });

  test('a frame that is nearly right', () => {
    fc.assert(
      fc.property(
        anyAction.chain((action) => fc.tuple(fc.constant(action), mutated(validFrames[action]))),
        ([action, frame]) => expectDesigned(checkFrame(action, frame)),
      ),
      { numRuns: 2000 },
    );
  });
});

test.each(actions)('every frame that is right is taken as it is: %s', (action) => {
  fc.assert(
    fc.property(validFrames[action], (frame) => {
      expect(checkFrame(action, frame)).toEqual({ ok: true, value: frame });
    }),
  );
});

test('the name of a wrong field is told in part only, however long it is', () => {
  const result = checkFrame('ping', { action: 'ping', ['x'.repeat(30_000)]: 1 });
  expect(result).toMatchObject({ problem: { code: 'invalid_frame' } });
  expectDesigned(result);
});

test('data that is nested too deep to be encoded again is refused', () => {
  const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth));
  expect(checkMessage({ to: { user: 'bob' }, data: nested(64) })).toMatchObject({ ok: true });
  for (const depth of [65, 16_000]) {
    expect(checkMessage({ to: { user: 'bob' }, data: nested(depth) })).toMatchObject({
      problem: { code: 'invalid_frame', message: '"data" must not be nested more than 64 deep' },
    });
  }
});
