import type { Clock } from '../clock.ts';
import type { Log } from '../service.ts';
import type { Environment, LogLine, Outcome } from './environment.ts';
import type { FunctionConfiguration } from './function-configuration.ts';
import type { LogLevel } from './runtime/messages.ts';

/** Lambda returns the last 4 KB of an invocation's log (`LogType: Tail`). */
const TAIL_BYTES = 4096;

/** The log of one invocation: it goes to the local cloud's log, and to the tail for the caller. */
export interface InvocationLog {
  start(): void;
  line(line: LogLine): void;
  /** `environment` is absent if none started. */
  end(outcome: Outcome, durationMs: number, environment?: { readonly used: Environment; readonly cold: boolean }): void;
  /** Returns the last 4 KB, in the form of CloudWatch. */
  tail(): string;
}

export function createInvocationLog(
  configuration: FunctionConfiguration,
  requestId: string,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): InvocationLog {
  let tail = '';
  const write = (level: LogLevel, message: string, text: string) => {
    tail = `${tail}${text}\n`.slice(-TAIL_BYTES);
    log({ level, source: configuration.name, message, detail: { requestId } });
  };
  const platform = (text: string) => write('debug', text, text);
  const at = () => new Date(clock.now()).toISOString();
  return {
    start: () => platform(`START RequestId: ${requestId} Version: $LATEST`),
    line: ({ level, message }) => write(level, message, `${at()}\t${requestId}\t${level.toUpperCase()}\t${message}`),
    end(outcome, durationMs, environment) {
      if (outcome.kind === 'timeout') {
        const text = timeoutMessage(configuration);
        write('error', text, `${at()} ${requestId} ${text}\n`);
      }
      platform(`END RequestId: ${requestId}`);
      platform(reportLine(configuration, requestId, durationMs, environment));
    },
    tail: () => tail,
  };
}

export function timeoutMessage({ timeoutSeconds }: FunctionConfiguration): string {
  return `Task timed out after ${timeoutSeconds.toFixed(2)} seconds`;
}

function reportLine(
  { memoryMb }: FunctionConfiguration,
  requestId: string,
  durationMs: number,
  environment?: { readonly used: Environment; readonly cold: boolean },
): string {
  const fields = [
    `REPORT RequestId: ${requestId}`,
    `Duration: ${durationMs.toFixed(2)} ms`,
    `Billed Duration: ${Math.ceil(durationMs)} ms`,
    `Memory Size: ${memoryMb} MB`,
  ];
  if (environment) {
    fields.push(`Max Memory Used: ${Math.ceil(environment.used.memoryUsedBytes / 1024 ** 2)} MB`);
    if (environment.cold) fields.push(`Init Duration: ${environment.used.initDurationMs.toFixed(2)} ms`);
  }
  return fields.join('\t');
}
