/** AWS's own error messages. Clients match on them. */
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
 * Makes the error frame that API Gateway sends to a client, and the body of a refused handshake. The spaces are as captured
 * from AWS.
 */
export function errorFrame(message: string, connectionId: string, requestId: string): string {
  return `{"message": ${JSON.stringify(message)}, "connectionId":"${connectionId}", "requestId":"${requestId}"}`;
}
