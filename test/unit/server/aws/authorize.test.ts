import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DEFAULT_CAPABILITY } from '../../../../server/auth/capability.ts';
import { composeAuthorize } from '../../../../server/aws/authorize.ts';
import type { LogLine } from '../../../../server/logger.ts';

beforeEach(() => {
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'BECKON_CONNECTIONS_TABLE']) vi.stubEnv(name, 'x');
  vi.stubEnv('AWS_REGION', 'eu-west-1');
});
afterEach(() => vi.unstubAllEnvs());

test('an invalid origin from a parameter is reported to the operator', async () => {
  const lines: LogLine[] = [];
  const authorize = composeAuthorize(Date.now, (line) => lines.push(line), {
    issuers: [{ issuer: 'https://login.example', audience: 'beckon' }],
    allowedOrigins: ['https://app.example/', 'https://*.example', 'capacitor://localhost'],
    defaultCapability: DEFAULT_CAPABILITY,
  });
  expect(lines).toMatchObject([
    {
      route: 'authorize',
      outcome: 'failed',
      error: {
        message:
          'allowedOrigins: "https://*.example" is not an origin, so it allows no page: write it like https://app.example.com',
      },
      metrics: { Errors: 1 },
    },
  ]);
  const reasonFor = async (origin: string) => {
    const decision = await authorize({ multiValueHeaders: { Origin: [origin] } });
    return 'reason' in decision ? decision.reason : decision.outcome;
  };
  // A slash at the end is understood; the next question is who connects.
  expect(await reasonFor('https://app.example')).toBe('no_token');
  expect(await reasonFor('capacitor://localhost')).toBe('no_token');
  expect(await reasonFor('https://a.example')).toBe('origin_not_allowed');
});
