import {
  type Action,
  CLIENT_FRAMES,
  checkFrame,
  correlationId,
  type ErrorReply,
  isObject,
  MAX_FRAME_BYTES,
  MAX_REPLY_BYTES,
  type Problem,
  parseJson,
  problem,
  type Replies,
  type Reply,
  type Result,
  type SizeLimits,
} from '../../protocol/index.ts';
import type { Now } from '../clock.ts';
import type { MetricName } from '../config.ts';
import { type Connection, connectionOf, type WebSocketEvent } from '../connections/connection.ts';
import type { NoteAnswer } from '../gate/offences.ts';
import { describeError, type Logger, type LogLine } from '../logger.ts';

/** The answer of a two-way route: API Gateway sends the body back over the connection. */
export interface RouteResponse {
  readonly statusCode: 200;
  readonly body: string;
}

type Frame<A extends Action> = Extract<ReturnType<typeof checkFrame<A>>, { ok: true }>['value'];
type Unnumbered<R> = R extends unknown ? Omit<R, 'id'> : never;

/** The reply to an action: an operation that gives another one does not compile. */
type ReplyTo<A extends Action> = Unnumbered<Replies[A]>;
type Metrics = Readonly<Partial<Record<MetricName, number>>>;

/** Performs a frame of this action. `receivedAt` is when API Gateway received it (epoch milliseconds). */
type Perform<A extends Action, R> = (
  connection: Connection,
  frame: Frame<A>,
  receivedAt?: number,
) => Promise<Result<R>>;

/** What every route needs. */
export interface RouteDependencies {
  readonly log: Logger;
  readonly limits: Pick<SizeLimits, 'maxFrameBytes'>;
  readonly noteAnswer: NoteAnswer;
  readonly now: Now;
}

/**
 * The edge of a message route: parses and checks the frame, performs it, and puts the frame's `id` on the reply. It
 * always answers 200: for another status, API Gateway would replace the body.
 * @param metricsOf The metrics of a reply. Default: none.
 */
export function messageRoute<A extends Action, R extends ReplyTo<A>>(
  action: A,
  dependencies: RouteDependencies,
  operation: Perform<A, R>,
  metricsOf?: (reply: R) => Metrics,
): (event: WebSocketEvent) => Promise<RouteResponse> {
  return edge(
    action,
    dependencies,
    async (json, connection, receivedAt) => {
      const frame = checkFrame(action, json);
      return frame.ok ? operation(connection, frame.value as Frame<A>, receivedAt) : frame;
    },
    metricsOf,
  );
}

/** The edge of `$default`: tells the sender of a frame that no other route takes what is wrong with it. */
export function defaultRoute(dependencies: RouteDependencies): (event: WebSocketEvent) => Promise<RouteResponse> {
  return edge('$default', dependencies, async (json) => ({ ok: false, problem: routingProblem(json) }));
}

function routingProblem(json: unknown): Problem {
  if (!isObject(json)) return problem('invalid_frame', 'the frame must be a JSON object');
  const { action } = json;
  if (action === undefined) return problem('invalid_frame', '"action" is required');
  if (typeof action !== 'string') return problem('invalid_frame', '"action" must be a string');
  return problem(
    'unknown_action',
    `unknown action ${JSON.stringify(action.slice(0, 64))}: send one of ${Object.keys(CLIENT_FRAMES).join(', ')}`,
  );
}

function edge<R extends Unnumbered<Reply>>(
  route: LogLine['route'],
  { log, limits, noteAnswer, now }: RouteDependencies,
  answer: (json: unknown, connection: Connection, receivedAt?: number) => Promise<Result<R>>,
  metricsOf?: (reply: R) => Metrics,
): (event: WebSocketEvent) => Promise<RouteResponse> {
  return async (event) => {
    const startedAt = now();
    const json = parseJson(event.body ?? '');
    const id = json.ok ? correlationId(json.value) : undefined;
    const { requestId, connectionId, requestTimeEpoch } = event.requestContext;
    const finish = (outcome: string, reply: Unnumbered<Reply>, more?: Partial<LogLine>): RouteResponse => {
      const body = JSON.stringify({ ...reply, ...(id !== undefined && { id }) });
      if (Buffer.byteLength(body) > MAX_REPLY_BYTES) throw new Error(`a reply of more than ${MAX_REPLY_BYTES} bytes`);
      log({ route, outcome, requestId, connectionId, durationMs: now() - startedAt, ...more });
      return { statusCode: 200, body };
    };
    try {
      const connection = connectionOf(event);
      const result =
        tooLarge(event.body ?? '', limits) ?? (json.ok ? await answer(json.value, connection, requestTimeEpoch) : json);
      await noteAnswer(connection, result.ok ? undefined : result.problem);
      if (result.ok) return finish('ok', result.value, metricsOf && { metrics: metricsOf(result.value) });
      return finish(result.problem.code, errorReply(result.problem), { metrics: { FramesRefused: 1 } });
    } catch (error) {
      return finish('internal', errorReply(problem('internal')), {
        error: describeError(error),
        metrics: { Errors: 1 },
      });
    }
  };
}

/**
 * API Gateway limits a message to a larger size than a frame. Where the installation sets no limit, API Gateway's
 * applies.
 */
function tooLarge(body: string, { maxFrameBytes }: RouteDependencies['limits']): Result<never> | undefined {
  const bytes = Buffer.byteLength(body);
  if (maxFrameBytes === MAX_FRAME_BYTES || bytes <= maxFrameBytes) return undefined;
  const detail = `the frame takes ${bytes} bytes; at most ${maxFrameBytes} are allowed`;
  return { ok: false, problem: problem('frame_too_large', detail) };
}

function errorReply(problem: Problem): Unnumbered<ErrorReply> {
  return { type: 'error', ...problem };
}
