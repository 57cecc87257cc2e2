import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { md5OfAttributes, md5OfBody } from '../../../../local/sqs/md5.ts';

test('the digest of a body is that of its UTF-8 bytes', () => {
  expect(md5OfBody('This is a test message')).toBe('fafb00f5732ab283681e124bf8747ed1');
});

test('attributes are digested by name, each with the lengths of its parts, and the kind of its value', () => {
  const expected = createHash('md5')
    .update('\0\0\0\x01a\0\0\0\x06Binary\x02\0\0\0\x02hi')
    .update('\0\0\0\x01b\0\0\0\x06Number\x01\0\0\0\x0242')
    .digest('hex');
  const a = { DataType: 'Binary', BinaryValue: Buffer.from('hi').toString('base64') };
  expect(md5OfAttributes({ b: { DataType: 'Number', StringValue: '42' }, a })).toBe(expected);
});

test('without attributes there is no digest', () => {
  expect(md5OfAttributes({})).toBeUndefined();
});
