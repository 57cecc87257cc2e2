import type { Clock } from './clock.ts';
import type { AwsCall } from './front/calls.ts';
import type { IamReport } from './iam/usage.ts';
import type { TimedLogEntry } from './log.ts';
import type { Outputs } from './template/create.ts';
import type { LeftOut } from './template/left-out.ts';

/** The content of the `ready` line and of `GET /_local/health`. */
export interface Ready {
  /** Absent unless the app has exactly one stage of one WebSocket API. */
  readonly websocketUrl?: string;
  readonly endpointUrl: string;
  /** Absent without static files. */
  readonly pageUrl?: string;
  readonly outputs: Readonly<Record<string, Outputs>>;
}

/** A running application. */
export interface LocalCloud {
  /** The one endpoint of every AWS API, with the access key `local` and the secret `local`. */
  readonly endpointUrl: string;
  /** The address of the only stage of the only WebSocket API. Reading it throws an Error if the app has none, or several. */
  readonly websocketUrl: string;
  /** The address of each stage, by `API name/stage name`. Stages with the same names have `API id/stage name`. */
  readonly websocketUrls: Readonly<Record<string, string>>;
  /** By stack and output name. */
  readonly outputs: Readonly<Record<string, Outputs>>;
  /** The resources that the option `partial` has left out. */
  readonly leftOut: readonly LeftOut[];
  readonly ready: Ready;
  readonly clock: Clock;
  /**
   * Returns a token of the development issuer, e.g. with `{ sub: 'bob' }`. `expiresInSeconds` (default 3600) is no claim.
   */
  token(claims: { readonly sub: string; readonly [claim: string]: unknown }): Promise<string>;
  /** Returns the latest calls of AWS APIs, oldest first. */
  calls(): readonly AwsCall[];
  /** Returns denied calls and unused permissions. */
  iamReport(): IamReport;
  /** Returns the latest log entries, oldest first. */
  log(): readonly TimedLogEntry[];
  /** Ends everything: sockets, functions, tables. */
  close(): Promise<void>;
}
