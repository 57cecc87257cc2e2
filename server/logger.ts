import type { Action } from '../protocol/index.ts';
import { METRIC_NAMESPACE, type MetricName, readStackName } from './config.ts';

/** The functions that write log lines, beside the routes of the wire's actions. */
export type FunctionName =
  | '$connect'
  | '$default'
  | '$disconnect'
  | 'authorize'
  | 'deliver'
  | 'manage'
  | 'send'
  | 'tasks';

/** Parts of several functions that report their failures to the operator. */
type PartName = 'keys' | 'post' | 'surcharge';

/** A log line. It never contains a token or a payload. */
export interface LogLine {
  /** The writer of the line: a function, or a part of several. */
  readonly route: Action | FunctionName | PartName;
  /** `ok`, or the code of the error. */
  readonly outcome: string;
  readonly requestId?: string;
  readonly connectionId?: string;
  readonly durationMs?: number;
  /** More detail: why a handshake was refused, which task ran. */
  readonly reason?: string;
  /** An unexpected failure, for the operator only. */
  readonly error?: { readonly name: string; readonly message: string; readonly stack?: string | undefined };
  /** Counted in CloudWatch. */
  readonly metrics?: Readonly<Partial<Record<MetricName, number>>>;
}

/** Writes one line. */
export type Logger = (line: LogLine) => void;

/**
 * Writes lines of JSON to standard output, with metrics in CloudWatch's embedded format.
 * @see
 *   https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
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

/** An unexpected failure, in the form of a log line. */
export function describeError(error: unknown): NonNullable<LogLine['error']> {
  return error instanceof Error
    ? { name: error.name, message: error.message, stack: error.stack }
    : { name: 'NotAnError', message: String(error) };
}
