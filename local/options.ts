import * as v from 'valibot';
import { type Quotas, quotas } from './quotas.ts';
import { record } from './record.ts';
import type { Log } from './service.ts';
import type { ReadTrust } from './trust.ts';

/** How to run an application on this machine. */
export interface LocalCloudOptions {
  /** A folder that `cdk synth` wrote, a folder with a `template.json`, or a CloudFormation template in JSON. */
  readonly app: string;
  /** The one port of all services and APIs. Default: 4600; 0 takes any free one. */
  readonly port?: number;
  /** The folder that keeps data between two runs. Only one local cloud at a time may use it. Default: data is in memory. */
  readonly dataDirectory?: string;
  /**
   * Values of the template's parameters, by `Name` or `StackName.Name`. `{endpointUrl}` and `{websocketUrl}` in a value
   * stand for the addresses of this local cloud, `{port}` for its port.
   */
  readonly parameters?: Readonly<Record<string, string>>;
  /** The fault plan: see docs/local.md. Default: no faults. */
  readonly faults?: unknown;
  /** The speed of the cloud's clock, as a multiple of the wall clock's. Default: 1. */
  readonly timeScale?: number;
  /**
   * The time of the cloud's clock at the start, in epoch milliseconds. To go on with the data of a run with fast time, start
   * where that run ended. Default: the wall clock's time.
   */
  readonly startsAtMs?: number;
  /**
   * Whether a function gets a part of a processor in proportion to its memory, as on AWS: one at 1,769 MB. Default: a whole
   * one.
   */
  readonly cpuShare?: boolean;
  /** The account's quotas: see docs/local.md. Default: those of AWS. */
  readonly quotas?: Partial<Quotas>;
  /** The URL of another DynamoDB engine, such as AWS's DynamoDB Local. Default: the built-in one. */
  readonly dynamodbEndpoint?: string;
  /**
   * More host names to answer than those of this machine, such as `host.docker.internal` or the name of a tunnel. Default:
   * none.
   */
  readonly allowedHosts?: readonly string[];
  /**
   * Whether to leave out unsupported resources, by name, and run the rest. Default: the local cloud refuses such an
   * application.
   */
  readonly partial?: boolean;
  /**
   * The addresses of services for functions, by the name in their signatures, such as `{ s3: 'http://127.0.0.1:9000' }`. Default: the local
   * cloud.
   */
  readonly endpoints?: Readonly<Record<string, string>>;
  /**
   * The issuer that the development issuer stands in for, such as `https://login.example.com/`. Tokens have its `iss` and the other claims
   * that functions expect, and functions find its keys. Default: the development issuer issues in its own name.
   */
  readonly issuer?: string;
  /**
   * The origin that pages of this machine have for the application, such as `https://app.example.com`. Default: their own,
   * such as `http://localhost:5173`.
   */
  readonly origin?: string;
  /** Finds the trusted issuers in a function's environment. Default: unknown. */
  readonly readTrust?: ReadTrust;
  /** A folder of files to serve beside the APIs. Default: none. */
  readonly staticDirectory?: string;
  /** Gets all log entries. Default: only `log()` has them. */
  readonly log?: Log;
}

const DEFAULT_PORT = 4600;

const text = v.pipe(v.string(), v.nonEmpty());

const schema = v.strictObject({
  app: text,
  port: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535)), DEFAULT_PORT),
  dataDirectory: v.optional(text),
  parameters: v.optional(record(v.string()), {}),
  faults: v.optional(v.unknown()),
  timeScale: v.optional(v.pipe(v.number(), v.gtValue(0), v.finite()), 1),
  startsAtMs: v.optional(v.pipe(v.number(), v.minValue(0), v.finite())),
  cpuShare: v.optional(v.boolean(), false),
  quotas: v.optional(quotas, {}),
  dynamodbEndpoint: v.optional(v.pipe(text, v.url())),
  allowedHosts: v.optional(v.array(v.pipe(text, v.regex(/^[\w.-]+$/, 'a host name'))), []),
  partial: v.optional(v.boolean(), false),
  endpoints: v.optional(record(v.pipe(text, v.url())), {}),
  issuer: v.optional(v.pipe(text, v.url(), v.startsWith('https://'))),
  origin: v.optional(text),
  readTrust: v.optional(v.custom<ReadTrust>((value) => typeof value === 'function', 'a function')),
  staticDirectory: v.optional(text),
  log: v.optional(v.custom<Log>((value) => typeof value === 'function', 'a function')),
});

/** Checked options, with all defaults. */
export type Settings = v.InferOutput<typeof schema>;

/** Checks options, and fills in defaults. @throws TypeError naming the wrong option, the expected value and the given one */
export function readOptions(options: LocalCloudOptions): Settings {
  const result = v.safeParse(schema, options);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const name = v.getDotPath(issue) ?? 'options';
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    const known = Object.keys(issue.path?.length === 1 ? schema.entries : quotas.entries).join(', ');
    throw new TypeError(`startLocalCloud: unknown option "${name}"; expected ${known}`);
  }
  throw new TypeError(`startLocalCloud: ${name}: expected ${issue.expected ?? issue.message}, got ${issue.received}`);
}
