import {
  ApiGatewayManagementApiClient,
  ApiGatewayManagementApiServiceException,
  DeleteConnectionCommand,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import { MAX_CONCURRENT_POSTS, type Poster, type PostOutcome } from '../delivery.ts';

/** How long one attempt of a post may take, in milliseconds: API Gateway has been seen to leave posts without an answer. */
const REQUEST_TIMEOUT_MS = 2_000;

/** How long connecting to the Management API may take, in milliseconds. */
const CONNECTION_TIMEOUT_MS = 1_000;

/** Attempts at one post; 429, 5xx and network errors are tried again with jitter, all else is final. */
const MAX_ATTEMPTS = 3;

/**
 * Posts through the Management API, over kept-alive connections: one client for each API that holds connections.
 * @param onFailure is told why a post failed, for the operator: a missing permission looks like any other failure
 */
export function createManagementApiPoster({ onFailure }: { onFailure: (error: unknown) => void }): Poster {
  const clients = new Map<string, ApiGatewayManagementApiClient>();
  const clientFor = (callbackUrl: string) => {
    const client = clients.get(callbackUrl) ?? createClient(callbackUrl);
    clients.set(callbackUrl, client);
    return client;
  };

  const outcomeOf = async (call: Promise<unknown>): Promise<PostOutcome> => {
    try {
      await call;
      return 'delivered';
    } catch (error) {
      if (isGone(error)) return 'gone';
      onFailure(error);
      return 'failed';
    }
  };

  return {
    post({ callbackUrl, connectionId: ConnectionId }, frame) {
      const command = new PostToConnectionCommand({ ConnectionId, Data: JSON.stringify(frame) });
      return outcomeOf(clientFor(callbackUrl).send(command));
    },
    close({ callbackUrl, connectionId: ConnectionId }) {
      return outcomeOf(clientFor(callbackUrl).send(new DeleteConnectionCommand({ ConnectionId })));
    },
  };
}

function createClient(endpoint: string): ApiGatewayManagementApiClient {
  return new ApiGatewayManagementApiClient({
    endpoint,
    maxAttempts: MAX_ATTEMPTS,
    requestHandler: {
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      // Without it the timeout above only writes a warning: https://github.com/aws/aws-sdk-js-v3/issues/7632
      throwOnRequestTimeout: true,
      httpsAgent: { keepAlive: true, maxSockets: MAX_CONCURRENT_POSTS },
    },
  });
}

/**
 * The status decides as well as the name: the SDK names an error only when the response has `x-amzn-errortype`.
 * A malformed id (400) is as gone as one that has ceased to exist (410).
 */
function isGone(error: unknown): boolean {
  if (!(error instanceof ApiGatewayManagementApiServiceException)) return false;
  const status = error.$metadata.httpStatusCode;
  return (
    error.name === 'GoneException' || status === 410 || (status === 400 && /invalid connectionid/i.test(error.message))
  );
}
