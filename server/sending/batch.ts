import {
  checkMessage,
  correlationId,
  DEFAULT_SIZE_LIMITS,
  everyNumber,
  isWithinDepth,
  jsonByteLength,
  type MessageFailure,
  type MessageInput,
  messageCharge,
  type Problem,
  problem,
  type Result,
  type SendResult,
  type SizeLimits,
  TARIFF,
  type Tariff,
} from '../../protocol/index.ts';
import type { MetricName } from '../config.ts';
import { type Judged, withinReply } from './ack-size.ts';
import type { GateResult, Origin, Send } from './send.ts';

/** The options of a batch. */
export interface BatchOptions {
  /** Charges the sender at the gate. */
  readonly admit: (cost: number) => GateResult;
  readonly tariff: Tariff;
  readonly limits: SizeLimits;
  /** Checks a message against its schema. Default: the schema of a user's message. */
  readonly check: typeof checkMessage;
  /** Whether a number in the data is exactly the one that was sent. Default: it is. */
  readonly isExact: (number: number) => boolean;
}

/**
 * Sends a batch that may contain invalid messages. It judges each by itself: an invalid message does not stop the
 * others. The results are in the order of the messages.
 */
export async function sendBatch(
  send: Send,
  origin: Origin,
  messages: readonly unknown[],
  { admit, tariff = TARIFF, limits, check = checkMessage, isExact = () => true }: Partial<BatchOptions> = {},
): Promise<Result<readonly (SendResult | MessageFailure)[]>> {
  if (limits && messages.length > limits.maxMessagesPerFrame) {
    // Awaited: Lambda freezes what a handler leaves under way.
    const admitted = await admit?.(messages.length);
    if (admitted && !admitted.ok) return admitted;
    const detail = `"messages" must hold at most ${limits.maxMessagesPerFrame} messages`;
    return { ok: false, problem: problem('invalid_frame', detail) };
  }
  const charge = (input: MessageInput) => messageCharge(input, jsonByteLength(input.data), tariff);
  const checked = messages.map((message) => judge(check(message), message, limits ?? DEFAULT_SIZE_LIMITS, isExact));
  // Lambda answers services, and its answers may be larger than a frame.
  const judged = limits ? withinReply(checked) : checked;
  const inputs = judged.flatMap((each): MessageInput[] => ('input' in each ? [each.input] : []));
  const refused = judged.length - inputs.length;
  const sent = await send(origin, inputs, admit?.(refused + inputs.reduce((sum, input) => sum + charge(input), 0)));
  if (!sent.ok) return sent;
  const outcomes = sent.value.values();
  const results = judged.map((each) => {
    const outcome = 'input' in each ? outcomes.next().value : each;
    if (!outcome) throw new Error('send gave fewer results than it got messages');
    return outcome;
  });
  return { ok: true, value: results };
}

function judge(
  checked: Result<MessageInput>,
  message: unknown,
  limits: SizeLimits,
  isExact: BatchOptions['isExact'],
): Judged {
  if (!checked.ok) return failure(message, checked.problem);
  const excess = excessProblem(checked.value, limits);
  if (excess) return failure(message, excess);
  if (everyNumber(checked.value.data, isExact)) return { input: checked.value };
  const detail = `"data" must not hold numbers beyond ±${Number.MAX_SAFE_INTEGER} here: send such a number as text`;
  return failure(message, problem('invalid_frame', detail));
}

/** The result of a message that is not sent, with its id if it has a valid one. */
export function failure(message: unknown, error: Problem): MessageFailure {
  const id = correlationId(message);
  return { ...(id !== undefined && { id }), error };
}

function excessProblem({ to, data }: MessageInput, limits: SizeLimits): Problem | undefined {
  const { maxUsersPerMessage, maxDataDepth, maxDataBytes } = limits;
  if ('users' in to && to.users.length > maxUsersPerMessage)
    return problem('invalid_frame', `"to.users" must name at most ${maxUsersPerMessage} users`);
  if (!isWithinDepth(data, maxDataDepth))
    return problem('invalid_frame', `"data" must not be nested more than ${maxDataDepth} deep`);
  const bytes = jsonByteLength(data);
  if (bytes <= maxDataBytes) return undefined;
  return problem('message_too_large', `data takes ${bytes} bytes as JSON; at most ${maxDataBytes} are allowed`);
}

const METRIC_OF_STATUS = {
  sent: 'MessagesSent',
  queued: 'MessagesSent',
  stored: 'MessagesStored',
  dropped: 'MessagesDropped',
} as const;

/** The metrics of a batch. */
export function sendMetrics(
  results: readonly (SendResult | MessageFailure)[],
): Readonly<Partial<Record<MetricName, number>>> {
  const metrics = {
    MessagesSent: 0,
    MessagesStored: 0,
    MessagesDropped: 0,
    ConnectionsGone: 0,
    PostsFailed: 0,
    FramesRefused: 0,
  };
  for (const result of results) {
    if ('error' in result) {
      metrics.FramesRefused += 1;
      continue;
    }
    metrics[METRIC_OF_STATUS[result.status]] += 1;
    metrics.ConnectionsGone += result.connections.gone;
    metrics.PostsFailed += result.connections.failed;
  }
  return metrics;
}
