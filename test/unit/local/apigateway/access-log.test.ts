import { describe, expect, test } from 'vitest';
import { type AccessRecord, compileAccessLogFormat } from '../../../../local/apigateway/access-log.ts';

const record: AccessRecord = {
  context: {
    routeKey: 'join',
    authorizer: { principalId: 'bob', tenant: 'acme' },
    messageId: 'M=',
    eventType: 'MESSAGE',
    extendedRequestId: 'R=',
    requestTime: '09/Feb/2024:18:11:43 +0000',
    messageDirection: 'IN',
    stage: 'prod',
    connectedAt: 1,
    requestTimeEpoch: 2,
    identity: { sourceIp: '192.0.2.1' },
    requestId: 'R=',
    domainName: 'a.execute-api',
    connectionId: 'C=',
    apiId: 'a',
  },
  status: 502,
  errorMessage: 'Internal "server" error',
  integration: { latencyMs: 7, errorMessage: 'boom' },
};
const render = (format: string): string =>
  compileAccessLogFormat(`$context.requestId ${format}`).render(record).slice(3);

describe('compileAccessLogFormat', () => {
  test.each([
    ['$context.routeKey $context.eventType $context.stage', 'join MESSAGE prod'],
    ['{"time":"$context.requestTime","at":$context.requestTimeEpoch}', '{"time":"09/Feb/2024:18:11:43 +0000","at":2}'],
    ['$context.connectionId/$context.messageId.', 'C=/M=.'],
    ['$context.identity.sourceIp $context.identity.userAgent', '192.0.2.1 -'],
    ['$context.authorizer.principalId $context.authorizer.tenant $context.authorizer.other', 'bob acme -'],
    ['$context.authorizer.toString', '-'],
    ['$context.status $context.error.message', '502 Internal "server" error'],
    ['$context.error.messageString', '"Internal \\"server\\" error"'],
    ['$context.integrationLatency $context.integration.error $context.integrationStatus', '7 boom -'],
    ['$context.nothing $context.identity $stageVariables.x', '- - $stageVariables.x'],
  ])('renders %s', (format, line) => {
    expect(render(format)).toBe(line);
  });

  test('an empty user agent or error is not a missing one', () => {
    const format = compileAccessLogFormat('$context.requestId [$context.error.message]');
    expect(format.render({ ...record, errorMessage: '' })).toBe('R= []');
  });

  test('names the variables that API Gateway does not have', () => {
    const format = '$context.requestId $context.routekey $context.authorizer.any $context.identity.user';
    expect(compileAccessLogFormat(format).unknownVariables).toEqual(['routekey', 'identity.user']);
  });

  test.each([
    ['$context.routeKey', 'must contain $context.requestId or $context.extendedRequestId'],
    ['$context.requestIdentifier', 'must contain $context.requestId or $context.extendedRequestId'],
    ['$context.requestId\n$context.stage', 'must be a single line'],
  ])('refuses %j as AWS does', (format, message) => {
    expect(() => compileAccessLogFormat(format)).toThrow(message);
  });

  test('a newline at the end is allowed and does not become part of the line', () => {
    expect(compileAccessLogFormat('$context.extendedRequestId\n').render(record)).toBe('R=');
  });
});
