import type { Action } from '../protocol/index.ts';
import { METRIC_NAMESPACE, type MetricName, readStackName } from './config.ts';

/** The functions that a log line can be from, beside those of the frames' actions. */
export type FunctionName = '$connect' | '$default' | '$disconnect' | 'authorize' | 'manage' | 'send' | 'tasks';

/** Parts of several functions that tell the operator of their failures. */
type PartName = 'keys' | 'post' | 'surcharge';

/** What a log line says. Never a token, never a payload. */
export interface LogLine {
  /** What wrote the line: a function, or a part of several. */
  readonly route: Action | FunctionName | PartName;
  /** `ok`, or the code of what went wrong. */
  readonly outcome: string;
  readonly requestId?: string;
  readonly connectionId?: string;
  readonly durationMs?: number;
  /** More than the outcome says: why a handshake was refused. */
  readonly reason?: string;
  /** An unexpected failure, for the operator alone. */
  readonly error?: { readonly name: string; readonly message: string; readonly stack?: string | undefined };
  /** Counted in CloudWatch. */
  readonly metrics?: Readonly<Partial<Record<MetricName, number>>>;
}

/** Writes one line. */
export type Logger = (line: LogLine) => void;

/**
 * Lines of JSON on standard output, their metrics in CloudWatch's embedded format.
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export function createLogger({ stackName = readStackName(), now = Date.now } = {}): Logger {
  return ({ metrics = {}, ...line }) => {
    const names = Object.keys(metrics);
    const embedded = names.length > 0 && {
      ...metrics,
      Stack: stackName,
      _aws: {
        Timestamp: now(),
        CloudWatchMetrics: [
          {
            Namespace: METRIC_NAMESPACE,
            Dimensions: [['Stack']],
            Metrics: names.map((Name) => ({ Name, Unit: 'Count' })),
          },
        ],
      },
    };
    process.stdout.write(`${JSON.stringify({ ...line, ...embedded })}\n`);
  };
}

/** An unexpected failure as a log line tells it. */
export function describeError(error: unknown): NonNullable<LogLine['error']> {
  return error instanceof Error
    ? { name: error.name, message: error.message, stack: error.stack }
    : { name: 'NotAnError', message: String(error) };
}
