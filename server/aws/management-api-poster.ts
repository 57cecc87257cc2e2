import {
  ApiGatewayManagementApiClient,
  ApiGatewayManagementApiServiceException,
  DeleteConnectionCommand,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import { MAX_SOCKETS } from '../concurrency.ts';
import type { ClientSettings } from '../config.ts';
import { type Poster, type PostOutcome, type Target, Unreachable } from '../sending/posting.ts';

/** How long one attempt of a post may take, in milliseconds: API Gateway has been seen to leave posts without an answer. */
const REQUEST_TIMEOUT_MS = 2_000;

/** How long connecting to the Management API may take, in milliseconds. */
const CONNECTION_TIMEOUT_MS = 1_000;

/** Attempts at one post; 429, 5xx and network errors are tried again with jitter, all else is final. */
const MAX_ATTEMPTS = 3;

export interface ManagementApiPosterOptions {
  /** Told why a post failed, for the operator: a missing permission looks like any other failure. */
  readonly onFailure: (error: unknown) => void;
  /**
   * The endpoint of this installation's API. What cannot be reached at another one has gone with its API, such as a stage
   * that has been renamed. Absent: every endpoint counts as this installation's.
   */
  readonly callbackUrl?: string | undefined;
  readonly client?: ClientSettings | undefined;
}

/** Posts through the Management API, over kept-alive connections: one client for each API that holds connections. */
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
      return 'delivered';
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
      // Without it the timeout above only writes a warning: https://github.com/aws/aws-sdk-js-v3/issues/7632
      throwOnRequestTimeout: true,
      httpsAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
    },
  });
}

/**
 * Where to post to. An endpoint that the settings, the environment or the profile configure takes the place of AWS, as for every client
 * of the SDK; the stage stays that of the API, unless the configured endpoint names it.
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
 */
async function endpointFor(callbackUrl: string, settings: ClientSettings): Promise<string> {
  // The SDK looks for it only when it is given no endpoint.
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

/** Answers that say nothing about the connection: whoever asks like that is let in nowhere. */
const REFUSING_STATUSES: ReadonlySet<number> = new Set([401, 403, 404, 407, 421]);

/** Errors of a socket that was open, so the request may have been received. */
const BROKEN_OFF: ReadonlySet<string | undefined> = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT']);

function outcomeOfError(error: unknown): Exclude<PostOutcome, 'delivered'> {
  if (isGone(error)) return 'gone';
  const facts = error as ErrorFacts;
  const status = facts.$metadata?.httpStatusCode ?? facts.$response?.statusCode;
  if (status !== undefined) return REFUSING_STATUSES.has(status) ? new Unreachable(error) : 'failed';
  return hasBrokenOff(error, facts) ? 'failed' : new Unreachable(error);
}

/** Whether the request may have been received. Not when there was no connection, or nothing to sign the request with. */
function hasBrokenOff(error: unknown, { code, syscall, message = '' }: ErrorFacts): boolean {
  // Node tries the addresses of a name one after the other, and throws what all of them came to as one.
  const isWhileConnecting =
    error instanceof AggregateError || syscall === 'connect' || message.includes('before secure TLS connection');
  return !isWhileConnecting && BROKEN_OFF.has(code);
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
