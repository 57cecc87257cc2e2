import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ERROR_CODES, type ErrorCode } from '../../../../protocol/index.ts';
import { SECRET_ALGORITHMS } from '../../../../server/auth/authenticate.ts';
import { DEFAULT_CAPABILITY } from '../../../../server/auth/capability.ts';
import { createConnect } from '../../../../server/auth/handshake.ts';
import type { WebSocketEvent } from '../../../../server/connections/connection.ts';
import { InvocationError } from '../../../../server/edge/invocation.ts';
import { defaultRoute } from '../../../../server/edge/route.ts';
import { createTaskRunner } from '../../../../server/edge/run-tasks.ts';
import { createServiceSend } from '../../../../server/sending/service-send.ts';
import { createMemoryDirectory } from '../../../../testing/memory/directory.ts';
import { createTestAuthorizer } from '../../../support/authorizer.ts';

const NOW = 1_800_000_000_000;
const now = () => NOW;
const log = () => undefined;
const connect = createConnect({ log });
const IDENTITY = { userId: 'alice', tokenExpiresAt: String(NOW / 1000 + 60), capability: '{}' };

const codeOf = (body: string): ErrorCode => JSON.parse(body).code;

describe('whatever an event contains, the handlers fail as designed', () => {
  const route = defaultRoute({ log, limits: { maxFrameBytes: 32_768 }, noteAnswer: async () => undefined, now });
  const requestContext = { connectionId: 'c1=', routeKey: '$default', requestId: 'r1=', authorizer: IDENTITY };

  test('$default tells what is wrong with any text, and never fails itself', async () => {
    const body = fc.oneof(fc.string({ unit: 'binary' }), fc.json(), fc.constantFrom('{'.repeat(30_000), '"\\ud800"'));
    await fc.assert(
      fc.asyncProperty(body, async (text) => {
        const code = codeOf((await route({ requestContext, body: text })).body);
        expect(['invalid_json', 'invalid_frame', 'unknown_action']).toContain(code);
      }),
    );
  });

  test('an authorizer’s context of any shape is an identity, or a failure of the installation', async () => {
    const authorizer = fc.oneof(
      fc.dictionary(fc.constantFrom('userId', 'tokenExpiresAt', 'capability', '__proto__'), fc.jsonValue()),
      fc.record({ userId: fc.jsonValue(), tokenExpiresAt: fc.jsonValue(), capability: fc.json() }),
    );
    await fc.assert(
      fc.asyncProperty(authorizer, async (context) => {
        const event: WebSocketEvent = { requestContext: { ...requestContext, authorizer: context }, body: '{}' };
        expect(['invalid_frame', 'internal']).toContain(codeOf((await route(event)).body));
      }),
    );
  });

  test('a task of any shape comes back to the queue by itself, and holds up no other', async () => {
    const runTasks = createTaskRunner({
      directory: createMemoryDirectory(now),
      tasks: { add: async () => undefined },
      presence: { check: async () => undefined, sweep: async () => undefined },
      poster: { post: async () => 'sent', close: async () => 'sent' },
      log,
      now,
    });
    const close = JSON.stringify({ kind: 'close', connectionId: 'c', callbackUrl: 'https://x' });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(fc.string(), fc.json()), { maxLength: 8 }), async (bodies) => {
        const attributes = { ApproximateReceiveCount: '1' };
        const Records = [...bodies, close].map((body, index) => ({ messageId: `t${index}`, attributes, body }));
        const { batchItemFailures } = await runTasks({ Records });
        expect(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier)).not.toContain(`t${bodies.length}`);
      }),
    );
  });

  test('an invocation of any shape sends, or is refused with a code', async () => {
    const send = createServiceSend({ send: async () => ({ ok: true, value: [] }), log, now });
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (event) => {
        const refusal = await send(event, { awsRequestId: 'r1' }).then(
          () => undefined,
          (error: unknown) => error,
        );
        if (refusal === undefined) return;
        expect(refusal).toBeInstanceOf(InvocationError);
        expect(Object.keys(ERROR_CODES)).toContain((refusal as InvocationError).name);
      }),
    );
  });

  test('a handshake of any shape is decided on, and nobody gets in without a token', async () => {
    const secret = new TextEncoder().encode('a secret of thirty-two bytes, at least');
    const authorize = createTestAuthorizer({
      issuers: [
        {
          issuer: 'https://login.example/',
          audience: 'beckon',
          audienceClaim: 'aud',
          getKey: async () => secret,
          algorithms: SECRET_ALGORITHMS,
        },
      ],
      allowedOrigins: ['https://app.example'],
      defaultCapability: DEFAULT_CAPABILITY,
      now,
    });
    const headerName = fc.constantFrom('Authorization', 'sec-websocket-protocol', 'Origin', 'x');
    const tokenish = fc
      .array(fc.base64String({ maxLength: 60 }), { minLength: 1, maxLength: 6 })
      .map((parts) => parts.join('.'));
    const headerValue = fc.oneof(
      fc.string(),
      tokenish.map((token) => `Bearer ${token}`),
      tokenish.map((token) => `beckon.v1, bearer.${token}`),
      fc.constantFrom('https://app.example', 'null', 'Bearer ', 'bearer..', ', , ,'),
    );
    const multiValueHeaders = fc.dictionary(headerName, fc.array(headerValue, { maxLength: 3 }));
    const queryStringParameters = fc.option(fc.dictionary(fc.string(), fc.oneof(fc.string(), tokenish)));
    await fc.assert(
      fc.asyncProperty(fc.record({ multiValueHeaders, queryStringParameters }), async (handshake) => {
        expect((await authorize(handshake)).outcome).not.toBe('allowed');
      }),
      { numRuns: 1000 },
    );
  });

  test('a list of subprotocols of any kind gets one that was offered, or is refused', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('Sec-WebSocket-Protocol', 'other'), fc.string()), (headers) => {
        const offered = (headers['Sec-WebSocket-Protocol'] ?? '').split(',').map((name) => name.trim());
        const { headers: chosen } = connect({ headers });
        if (chosen) expect(offered).toContain(chosen['Sec-WebSocket-Protocol']);
      }),
    );
  });
});
