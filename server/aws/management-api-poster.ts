import {
  ApiGatewayManagementApiClient,
  ApiGatewayManagementApiServiceException,
  DeleteConnectionCommand,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import { MAX_SOCKETS } from '../concurrency.ts';
import type { ClientSettings } from '../config.ts';
import { type Poster, type PostOutcome, type Target, Unreachable } from '../sending/posting.ts';

/** How long one attempt of a post may take, in milliseconds: API Gateway has left posts without an answer. */
const REQUEST_TIMEOUT_MS = 2_000;

/** How long connecting to the Management API may take, in milliseconds. */
const CONNECTION_TIMEOUT_MS = 1_000;

/** Attempts at one post. 429, 5xx and network errors are retried with jitter; every other answer is final. */
const MAX_ATTEMPTS = 3;

export interface ManagementApiPosterOptions {
  /** Called with the reason when a post fails: to the operator, a missing permission looks like any other failure. */
  readonly onFailure: (error: unknown) => void;
  /**
   * The endpoint of this installation's API. A connection at another endpoint that is out of reach is gone with its
   * API, for example after a stage was renamed. Absent: every endpoint counts as this installation's.
   */
  readonly callbackUrl?: string | undefined;
  readonly client?: ClientSettings | undefined;
}

/**
 * Posts through the Management API over kept-alive connections, with one client for each API that holds connections.
 */
export function createManagementApiPoster({
  onFailure,
  callbackUrl: own,
  client: settings = {},
}: ManagementApiPosterOptions): Poster {
  const clients = new Map<string, Promise<ApiGatewayManagementApiClient>>();
  const clientFor = (callbackUrl: string) => {
    const client = clients.get(callbackUrl) ?? createClient(callbackUrl, settings);
    clients.set(callbackUrl, client);
    return client;
  };

  async function outcomeOf(
    { callbackUrl }: Target,
    call: (client: ApiGatewayManagementApiClient) => Promise<unknown>,
  ): Promise<PostOutcome> {
    try {
      await call(await clientFor(callbackUrl));
      return 'sent';
    } catch (error) {
      const outcome = outcomeOfError(error);
      if (outcome !== 'gone') onFailure(error);
      const isOwn = own === undefined || callbackUrl === own;
      return outcome instanceof Unreachable && !isOwn ? 'gone' : outcome;
    }
  }

  return {
    post(target, frame) {
      const command = new PostToConnectionCommand({ ConnectionId: target.connectionId, Data: JSON.stringify(frame) });
      return outcomeOf(target, (client) => client.send(command));
    },
    close(target) {
      const command = new DeleteConnectionCommand({ ConnectionId: target.connectionId });
      return outcomeOf(target, (client) => client.send(command));
    },
  };
}

async function createClient(callbackUrl: string, settings: ClientSettings): Promise<ApiGatewayManagementApiClient> {
  return new ApiGatewayManagementApiClient({
    ...settings,
    endpoint: await endpointFor(callbackUrl, settings),
    maxAttempts: MAX_ATTEMPTS,
    requestHandler: {
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      // Without it, the timeout above only writes a warning: https://github.com/aws/aws-sdk-js-v3/issues/7632
      throwOnRequestTimeout: true,
      httpsAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
    },
  });
}

/**
 * Where to post to. An endpoint in the settings, the environment or the profile replaces AWS, as for every client of
 * the SDK. The stage stays the API's, unless the configured endpoint names one.
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
 */
async function endpointFor(callbackUrl: string, settings: ClientSettings): Promise<string> {
  // The SDK looks for a configured endpoint only when it is given none.
  const configured =
    settings.endpoint ?? (await new ApiGatewayManagementApiClient({}).config.serviceConfiguredEndpoint?.());
  if (!configured) return callbackUrl;
  const endpoint = configured.replace(/\/+$/, '');
  const { pathname } = new URL(callbackUrl);
  return new URL(endpoint).pathname.endsWith(pathname) ? endpoint : `${endpoint}${pathname}`;
}

/** What the SDK and Node tell about an error. */
interface ErrorFacts {
  readonly message?: string;
  readonly code?: string;
  readonly syscall?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly statusCode?: number };
}

/** Answers that say nothing about the connection: this caller gets them for every connection. */
const REFUSING_STATUSES: ReadonlySet<number> = new Set([401, 403, 404, 407, 421]);

/** Errors of an open socket: the API may have received the request. */
const BROKEN_OFF: ReadonlySet<string | undefined> = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT']);

function outcomeOfError(error: unknown): Exclude<PostOutcome, 'sent'> {
  if (isGone(error)) return 'gone';
  const facts = error as ErrorFacts;
  const status = facts.$metadata?.httpStatusCode ?? facts.$response?.statusCode;
  if (status === 429) return 'throttled';
  if (status !== undefined) return REFUSING_STATUSES.has(status) ? new Unreachable(error) : 'failed';
  return hasBrokenOff(error, facts) ? 'failed' : new Unreachable(error);
}

/** Whether the API may have received the request. Not if there was no connection, or no credentials to sign with. */
function hasBrokenOff(error: unknown, { code, syscall, message = '' }: ErrorFacts): boolean {
  // Node tries the addresses of a name one after the other, and throws their errors as one.
  const isWhileConnecting =
    error instanceof AggregateError || syscall === 'connect' || message.includes('before secure TLS connection');
  return !isWhileConnecting && BROKEN_OFF.has(code);
}

/**
 * Looks at the status as well as the name: the SDK names an error only if the response has `x-amzn-errortype`. A
 * malformed id (400) counts as gone, like a connection that no longer exists (410).
 */
function isGone(error: unknown): boolean {
  if (!(error instanceof ApiGatewayManagementApiServiceException)) return false;
  const status = error.$metadata.httpStatusCode;
  return (
    error.name === 'GoneException' || status === 410 || (status === 400 && /invalid connectionid/i.test(error.message))
  );
}
