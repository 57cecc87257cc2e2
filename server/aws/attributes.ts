import type { AttributeValue } from '@aws-sdk/client-dynamodb';

export type Item = Record<string, AttributeValue>;

export function number(value: number): AttributeValue.NMember {
  return { N: String(value) };
}

/**
 * The text of an attribute. @throws Error that names the attribute if the item does not have it: Beckon has not written
 * it
 */
export function textOf(item: Item, name: string): string {
  const value = item[name]?.S;
  if (value === undefined) throw new Error(`An item has no text in "${name}", but in ${Object.keys(item).join(', ')}`);
  return value;
}

/** The number of an attribute. @throws as {@link textOf} */
export function numberOf(item: Item, name: string): number {
  const value = item[name]?.N;
  if (value === undefined)
    throw new Error(`An item has no number in "${name}", but in ${Object.keys(item).join(', ')}`);
  return Number(value);
}
