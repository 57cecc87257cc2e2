import type { Json, JsonAnswer } from '../../json-protocol.ts';
import { errorAnswer } from '../engine.ts';
import { prefixes, within } from './space.ts';
import type { Storage } from './storage.ts';

/** The settings of a table that dynalite does not keep. */
export interface TableSettings {
  /** The attribute with the time at which an item expires (epoch seconds). Absent if items never expire. */
  readonly timeToLiveAttribute?: string;
  readonly deletionProtected?: boolean;
}

export function settingsOf(storage: Storage, tableName: string): TableSettings {
  return (storage.get(prefixes.settings + tableName) ?? {}) as TableSettings;
}

export function saveSettings(storage: Storage, tableName: string, settings: TableSettings): Promise<void> {
  return storage.commit([{ type: 'put', key: prefixes.settings + tableName, value: settings }]);
}

/** Returns the tables whose items expire, with that attribute. */
export async function expiringTables(storage: Storage): Promise<{ tableName: string; attribute: string }[]> {
  const found: { tableName: string; attribute: string }[] = [];
  for await (const key of storage.keys(within(prefixes.settings))) {
    const tableName = key.slice(prefixes.settings.length);
    const attribute = settingsOf(storage, tableName).timeToLiveAttribute;
    if (attribute !== undefined) found.push({ tableName, attribute });
  }
  return found;
}

export function describeTimeToLive(storage: Storage, tableName: string): JsonAnswer {
  const attribute = settingsOf(storage, tableName).timeToLiveAttribute;
  const description =
    attribute === undefined
      ? { TimeToLiveStatus: 'DISABLED' }
      : { TimeToLiveStatus: 'ENABLED', AttributeName: attribute };
  return { statusCode: 200, body: { TimeToLiveDescription: description } };
}

/** Changes the time to live at once. AWS needs up to an hour, and refuses a second change within it. */
export async function updateTimeToLive(storage: Storage, tableName: string, input: Json): Promise<JsonAnswer> {
  const specification = input['TimeToLiveSpecification'] as Json | undefined;
  const { AttributeName: attribute, Enabled: enabled } = specification ?? {};
  if (typeof attribute !== 'string' || attribute === '' || typeof enabled !== 'boolean') {
    return errorAnswer('ValidationException', 'TimeToLiveSpecification must have an AttributeName and Enabled.');
  }
  const { timeToLiveAttribute: current, ...others } = settingsOf(storage, tableName);
  if (current !== undefined && current !== attribute) {
    const problem = 'TimeToLive is active on a different AttributeName: current AttributeName is';
    return errorAnswer('ValidationException', `${problem} ${current}`);
  }
  if (enabled === (current !== undefined)) {
    return errorAnswer('ValidationException', `TimeToLive is already ${enabled ? 'enabled' : 'disabled'}`);
  }
  await saveSettings(storage, tableName, enabled ? { ...others, timeToLiveAttribute: attribute } : others);
  return { statusCode: 200, body: { TimeToLiveSpecification: { AttributeName: attribute, Enabled: enabled } } };
}
