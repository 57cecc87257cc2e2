import { expect, test } from 'vitest';
import { matchesWildcard } from '../../../local/wildcard.ts';

test.each([
  ['Messages', 'Messages', true],
  ['Messages', 'Message', false],
  ['*', '', true],
  ['*Messages*', 'Chat-Messages-1a2b', true],
  ['Chat-*-1a2b', 'Chat-Messages-1a2b', true],
  ['a*a', 'a', false],
  ['a*b*c', 'a-b-c', true],
  ['a*b*bc', 'a-bc', false],
  ['*b', 'abab', true],
  ['a.c', 'abc', false],
])('%j for %j: %s', (pattern, text, expected) => {
  expect(matchesWildcard(pattern, text)).toBe(expected);
});
