/** AWS's own error messages; clients match on them. */
export const ERROR_MESSAGE = {
  badRequest: 'Bad Request',
  unauthorized: 'Unauthorized',
  forbidden: 'Forbidden',
  tooManyRequests: 'Too Many Requests',
  internalServerError: 'Internal server error',
  endpointRequestTimedOut: 'Endpoint request timed out',
  upgradeRequired: 'Upgrade Required',
} as const;

/**
 * What API Gateway sends to a client in place of an answer, and as the body of a refused handshake; spaces exactly as
 * captured from AWS.
 */
export function errorFrame(message: string, connectionId: string, requestId: string): string {
  return `{"message": ${JSON.stringify(message)}, "connectionId":"${connectionId}", "requestId":"${requestId}"}`;
}
