import { describe, expect, test } from 'vitest';
import { createIds, isConnectionId, resourceId } from '../../../../local/apigateway/ids.ts';

describe('createIds', () => {
  const ids = createIds((byteCount) => Buffer.alloc(byteCount, 0xfb));

  test('gives ids in the form of AWS, from the randomness it is given', () => {
    expect(ids.next()).toBe('-_v7-_v7-_v7-_s=');
    expect(isConnectionId(ids.next())).toBe(true);
  });

  test('gives trace ids with the time in hexadecimal seconds', () => {
    expect(ids.traceId(1_707_502_303_419)).toBe(`Root=1-65c66adf-${'fb'.repeat(12)}`);
  });
});

test.each(['JC1dgf9yoAMCK-g=', 'RYG0LEicPHcFo_A='])('%s, captured from AWS, is a connection id', (id) => {
  expect(isConnectionId(id)).toBe(true);
});

test.each(['', 'JC1dgf9yoAMCK-g', 'JC1dgf9yoAMCK+g=', 'JC1dgf9yoAMCK-g=\n', ' JC1dgf9yoAMCK-g='])(
  '%j is none',
  (id) => {
    expect(isConnectionId(id)).toBe(false);
  },
);

test('resource ids depend on stack and logical id only, and tell them apart', () => {
  expect(resourceId(10, 'Chat', 'Api')).toBe(resourceId(10, 'Chat', 'Api'));
  expect(resourceId(10, 'Chat', 'Api')).toMatch(/^[a-z0-9]{10}$/);
  expect(resourceId(7, 'Chat', 'Api')).toMatch(/^[a-z0-9]{7}$/);
  const ids = [resourceId(10, 'Chat', 'Api'), resourceId(10, 'ChatA', 'pi'), resourceId(10, 'Chat', 'Api2')];
  expect(new Set(ids).size).toBe(3);
});
