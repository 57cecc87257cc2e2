import { afterEach, expect, test, vi } from 'vitest';
import { createLogger, describeError } from '../../../server/logger.ts';

afterEach(() => vi.restoreAllMocks());

function written(line: Parameters<ReturnType<typeof createLogger>>[0]): unknown {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  createLogger({ stackName: 'Chat', now: () => 1_800_000_000_000 })(line);
  expect(write).toHaveBeenCalledTimes(1);
  const text = String(write.mock.calls[0]?.[0]);
  expect(text).toMatch(/^[^\n]*\n$/);
  return JSON.parse(text);
}

test('a line is one line of JSON', () => {
  const line = { route: 'ping', outcome: 'ok', connectionId: 'c1=', durationMs: 3, reason: 'two\nlines' } as const;
  expect(written(line)).toEqual(line);
});

test('its metrics are in the embedded format, each a count of the stack', () => {
  expect(written({ route: 'send', outcome: 'ok', metrics: { MessagesSent: 2, PostsFailed: 0 } })).toEqual({
    route: 'send',
    outcome: 'ok',
    MessagesSent: 2,
    PostsFailed: 0,
    Stack: 'Chat',
    _aws: {
      Timestamp: 1_800_000_000_000,
      CloudWatchMetrics: [
        {
          Namespace: 'Beckon',
          Dimensions: [['Stack']],
          Metrics: [
            { Name: 'MessagesSent', Unit: 'Count' },
            { Name: 'PostsFailed', Unit: 'Count' },
          ],
        },
      ],
    },
  });
});

test('anything that is thrown can be logged', () => {
  expect(describeError(new TypeError('no'))).toMatchObject({
    name: 'TypeError',
    message: 'no',
    stack: expect.stringContaining('TypeError: no'),
  });
  expect(describeError('no')).toEqual({ name: 'NotAnError', message: 'no' });
});
