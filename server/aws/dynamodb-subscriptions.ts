import {
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { type Address, type RoomAddress, type UserAddress, userIdOf } from '../address.ts';
import { capabilityOfClaim, hashCapability } from '../auth/capability.ts';
import { type Now, toSeconds } from '../clock.ts';
import {
  CONNECTION_LIFE_SECONDS,
  type Directory,
  type SubscriptionChange,
  type Subscriptions,
} from '../connections/directory.ts';
import { type Surcharge, WRITE_UNITS_PER_UNIT } from '../gate/user-budget.ts';
import { type Item, number } from './attributes.ts';
import { type Conditional, updateIf, type Written } from './conditional-write.ts';
import { type Condition, EXISTS, hasSpace, isNewCapability } from './conditions.ts';
import { keyOf } from './tables.ts';

/** The part of the directory that handles the subscriptions item of a connection. */
export interface DynamoDbSubscriptions
  extends Pick<
    Directory,
    'addSubscriptions' | 'removeSubscriptions' | 'subscriptions' | 'keepCapability' | 'capability'
  > {
  /** Deletes the item. @returns the subscriptions that it had */
  deleteItem(address: UserAddress, connectionId: string): Promise<Subscriptions>;
}

export function createDynamoDbSubscriptions(options: {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly now: Now;
  /** Charges a user for writes of large items. Absent: this function writes none for users. */
  readonly surcharge?: Surcharge | undefined;
}): DynamoDbSubscriptions {
  const { client, tableName: TableName, now, surcharge } = options;

  const place = (user: UserAddress, connectionId: string) => ({
    TableName,
    Key: keyOf('subscriptions', { user, connectionId }),
  });
  const expiry = () => number(toSeconds(now()) + CONNECTION_LIFE_SECONDS);

  /** Writes the item, and charges its user for its size: each write costs as much as the whole item. */
  async function writeItem(
    address: UserAddress,
    connectionId: string,
    condition: Condition,
    input: Omit<Conditional<UpdateItemCommandInput>, 'TableName' | 'Key'>,
  ): Promise<Written> {
    const whole = { ...place(address, connectionId), ...input, ReturnConsumedCapacity: 'TOTAL' as const };
    const written = await updateIf(client, condition, whole);
    if (written.held) await surcharge?.(userIdOf(address), Math.floor(written.units / WRITE_UNITS_PER_UNIT));
    return written;
  }

  async function readItem(address: UserAddress, connectionId: string): Promise<Item> {
    const { Item = {} } = await client.send(
      new GetItemCommand({ ...place(address, connectionId), ConsistentRead: true }),
    );
    return Item;
  }

  /** Makes one write in the usual case, in which the addresses are new. Otherwise the item tells which ones are new. */
  async function addSubscriptions(
    address: UserAddress,
    connectionId: string,
    { kind, addresses }: SubscriptionChange,
    most: number,
  ): Promise<boolean> {
    const SS = [...new Set(addresses)];
    if (SS.length === 0) return true;
    const { held, item = {} } = await writeItem(address, connectionId, hasSpace(kind, SS.length, most), {
      UpdateExpression: `ADD ${kind} :added SET expiresAt = :expiry`,
      values: { ':added': { SS }, ':expiry': expiry() },
    });
    if (held) return true;
    const existing: readonly Address[] = toSubscriptions(item)[kind];
    const rest = SS.filter((each) => !existing.includes(each));
    if (existing.length + rest.length > most) return false;
    return addSubscriptions(address, connectionId, { kind, addresses: rest }, most);
  }

  return {
    addSubscriptions,

    async removeSubscriptions(address, connectionId, { kind, addresses }) {
      const SS = [...new Set(addresses)];
      // DynamoDB refuses an empty set.
      if (SS.length === 0) return;
      await writeItem(address, connectionId, EXISTS, {
        UpdateExpression: `DELETE ${kind} :removed`,
        values: { ':removed': { SS } },
      });
    },

    async subscriptions(address, connectionId) {
      return toSubscriptions(await readItem(address, connectionId));
    },

    async keepCapability(address, connectionId, { capability, attempt }) {
      const text = JSON.stringify(capability);
      // The former capability holds until the mapping has the hash of the new one.
      await writeItem(address, connectionId, isNewCapability(text, attempt), {
        UpdateExpression: `SET formerCapability = if_not_exists(capability, :capability), capability = :capability,
          capabilityAttempt = :attempt, expiresAt = :expiry`,
        values: { ':capability': { S: text }, ':attempt': number(attempt), ':expiry': expiry() },
      });
    },

    async capability(address, connectionId, hash) {
      const { capability, formerCapability } = await readItem(address, connectionId);
      const kept = [capability, formerCapability].map((each) => capabilityOfClaim(each?.S ?? ''));
      return kept.find((each) => each !== undefined && hashCapability(each) === hash);
    },

    async deleteItem(address, connectionId) {
      const command = new DeleteItemCommand({ ...place(address, connectionId), ReturnValues: 'ALL_OLD' });
      const { Attributes = {} } = await client.send(command);
      return toSubscriptions(Attributes);
    },
  };
}

/** The subscriptions in an item. */
export function toSubscriptions({ rooms, watches }: Item): Subscriptions {
  return { rooms: (rooms?.SS ?? []) as RoomAddress[], watches: (watches?.SS ?? []) as Address[] };
}
