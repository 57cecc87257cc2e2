import { expect, test } from 'vitest';
import { allowedOrigins } from '../../../cli/start.ts';

test('--allow-origin adds origins to those of the local cloud', () => {
  const own = '{endpointUrl},http://localhost:{port}';
  expect(allowedOrigins([])).toBe(own);
  expect(allowedOrigins(['http://localhost:5173', 'capacitor://localhost'])).toBe(
    `${own},http://localhost:5173,capacitor://localhost`,
  );
});

test.each(['localhost:5173', 'http://localhost:5173/', ''])('--allow-origin refuses %j', (origin) => {
  expect(() => allowedOrigins([origin])).toThrow(
    `--allow-origin takes an origin, such as http://localhost:5173, got "${origin}"`,
  );
});
