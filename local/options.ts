import * as v from 'valibot';
import { record } from './record.ts';
import type { Log } from './service.ts';
import type { ReadTrust } from './trust.ts';

/** How to run an application on this machine. */
export interface LocalCloudOptions {
  /** A folder that `cdk synth` wrote, a folder with a `template.json`, or a CloudFormation template in JSON. */
  readonly app: string;
  /** Everything is served on it. Default: 4600; 0 takes any free one. */
  readonly port?: number;
  /** Where data is kept between two runs; one local cloud at a time may use it. Default: in memory. */
  readonly dataDirectory?: string;
  /**
   * Values of the template's parameters, by `Name` or `StackName.Name`. `{endpointUrl}` and `{websocketUrl}` in a value
   * stand for the addresses of this local cloud, `{port}` for its port.
   */
  readonly parameters?: Readonly<Record<string, string>>;
  /** What goes wrong, and when: see docs/local.md. Default: nothing. */
  readonly faults?: unknown;
  /** How many times faster than the wall clock the cloud's clock runs. Default: 1. */
  readonly timeScale?: number;
  /**
   * What the cloud's clock shows at the start, in epoch milliseconds: whoever goes on with the data of a run in which time
   * ran fast starts where that run has ended. Default: the wall clock's time.
   */
  readonly startsAtMs?: number;
  /** The URL of another DynamoDB engine, such as AWS's DynamoDB Local. Default: the one that is built in. */
  readonly dynamodbEndpoint?: string;
  /**
   * Names under which the local cloud answers besides those of this machine, such as `host.docker.internal` or the name of a
   * tunnel. Default: none.
   */
  readonly allowedHosts?: readonly string[];
  /**
   * Whether to leave out, by name, what the local cloud does not support, and run the rest. Default: such an application is
   * refused.
   */
  readonly partial?: boolean;
  /**
   * Where functions find services of AWS, by the name that a service signs for, such as `{ s3: 'http://127.0.0.1:9000' }`.
   * Default: here.
   */
  readonly endpoints?: Readonly<Record<string, string>>;
  /**
   * The issuer that the development issuer stands in for, such as `https://login.example.com/`: tokens carry its `iss` and
   * what functions ask for beside, and functions find its keys. Default: none; it issues in its own name.
   */
  readonly issuer?: string;
  /**
   * The origin that pages of this machine have for the application, such as `https://app.example.com`. Default: their own,
   * such as `http://localhost:5173`.
   */
  readonly origin?: string;
  /** Reads whose tokens a function trusts from its environment. Default: nothing is known of it. */
  readonly readTrust?: ReadTrust;
  /** A folder whose files are served beside the APIs. Default: none. */
  readonly staticDirectory?: string;
  /** Told everything that happens. Default: it can be read from `log()` only. */
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

/** Checked options, with the defaults filled in. */
export type Settings = v.InferOutput<typeof schema>;

/** Throws a TypeError naming the option that is unknown or wrong, with what was expected and what was there. */
export function readOptions(options: LocalCloudOptions): Settings {
  const result = v.safeParse(schema, options);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const name = v.getDotPath(issue) ?? 'options';
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    const known = Object.keys(schema.entries).join(', ');
    throw new TypeError(`startLocalCloud: there is no option "${name}"; there are ${known}`);
  }
  throw new TypeError(`startLocalCloud: ${name}: expected ${issue.expected ?? issue.message}, got ${issue.received}`);
}
