import { randomUUID } from 'node:crypto';
import type { Json } from '../json-protocol.ts';
import { AwsError, LOCAL_ACCOUNT, LOCAL_REGION } from '../service.ts';
import { eventBusArn, eventBusName } from './arn.ts';

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
const MAX_ENTRIES = 10;
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html
const MAX_REQUEST_BYTES = 256 * 1024;
const TIME_BYTES = 14;

/** An event in the form for rules and targets. */
export interface EventBridgeEvent {
  readonly version: '0';
  readonly id: string;
  readonly 'detail-type': string;
  readonly source: string;
  readonly account: string;
  /** ISO 8601, in whole seconds. */
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: Json;
}

/** One entry of a `PutEvents` request: an event for a bus, or an error. */
export type Entry =
  | { readonly busName: string; readonly event: EventBridgeEvent }
  | { readonly busName: string; readonly code: string; readonly message: string };

/** The resource and the condition keys for the permission check of an entry. */
export interface EntrySubject {
  readonly busArn: string;
  readonly source: string;
  readonly detailType: string;
}

/**
 * Returns the entries of a request, unchanged.
 * @throws AwsError `ValidationException` for too many or too large entries
 */
export function entriesOf(input: Json): Json[] {
  const entries = input['Entries'];
  if (!Array.isArray(entries) || entries.length === 0 || entries.length > MAX_ENTRIES) {
    const problem = 'Member must have length between 1 and 10';
    throw new AwsError(
      'ValidationException',
      `1 validation error detected: Value at 'entries' failed to satisfy constraint: ${problem}`,
    );
  }
  const bytes = entries.reduce<number>((total, entry) => total + entryBytes(entry), 0);
  if (bytes > MAX_REQUEST_BYTES) {
    throw new AwsError('ValidationException', 'Total size of the entries in the request is over the limit.');
  }
  return entries;
}

export function subjectOf(entry: Json): EntrySubject {
  return {
    busArn: eventBusArn(busNameOf(entry)),
    source: text(entry['Source']),
    detailType: text(entry['DetailType']),
  };
}

/** Makes the event of an entry. */
export function readEntry(entry: Json, nowMs: number): Entry {
  const busName = busNameOf(entry);
  const refuse = (code: string, message: string) => ({ busName, code, message });
  for (const name of ['Source', 'DetailType', 'Detail']) {
    if (text(entry[name]) !== '') continue;
    return refuse('InvalidArgument', `Parameter ${name} is not valid. Reason: ${name} is a required argument.`);
  }
  const source = text(entry['Source']);
  if (source.startsWith('aws.')) return refuse('NotAuthorizedForSourceException', 'Not authorized for the source.');
  const detail = parseDetail(text(entry['Detail']));
  if (!detail) return refuse('MalformedDetail', 'Detail is malformed.');
  const time = typeof entry['Time'] === 'number' ? entry['Time'] * 1000 : nowMs;
  const resources = Array.isArray(entry['Resources']) ? entry['Resources'].map(String) : [];
  return { busName, event: createEvent({ source, detailType: text(entry['DetailType']), detail, resources, time }) };
}

/** Makes an event; `time` in epoch milliseconds. */
export function createEvent(from: {
  readonly source: string;
  readonly detailType: string;
  readonly detail: Json;
  readonly resources: readonly string[];
  readonly time: number;
}): EventBridgeEvent {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': from.detailType,
    source: from.source,
    account: LOCAL_ACCOUNT,
    time: `${new Date(from.time).toISOString().slice(0, 'yyyy-mm-ddThh:mm:ss'.length)}Z`,
    region: LOCAL_REGION,
    resources: from.resources,
    detail: from.detail,
  };
}

function busNameOf(entry: Json): string {
  return eventBusName(text(entry['EventBusName']) || 'default');
}

function parseDetail(detail: string): Json | undefined {
  try {
    const parsed: unknown = JSON.parse(detail);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as Json) : undefined;
  } catch {
    return undefined;
  }
}

function entryBytes(entry: Json): number {
  const texts = [entry['Source'], entry['DetailType'], entry['Detail'], ...list(entry['Resources'])];
  const bytes = texts.reduce<number>((total, each) => total + Buffer.byteLength(text(each)), 0);
  return bytes + (entry['Time'] === undefined ? 0 : TIME_BYTES);
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
