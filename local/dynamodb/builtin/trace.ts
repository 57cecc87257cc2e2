export type Item = Readonly<Record<string, unknown>>;

/** An entry of an index that a write added, changed or removed. */
export interface IndexWrite {
  readonly kind: 'local' | 'global';
  readonly indexName: string;
  readonly before: Item | undefined;
  readonly after: Item | undefined;
}

export interface ItemWrite {
  readonly tableName: string;
  readonly before: Item | undefined;
  readonly after: Item | undefined;
  readonly indexes: readonly IndexWrite[];
}

/** The entries that a query or a scan read. */
export interface Walk {
  /** Absent for the table itself. */
  readonly index?: Pick<IndexWrite, 'kind' | 'indexName'>;
  /** In order. There may be more than the answer counts as scanned. */
  readonly items: Item[];
}

/** The reads and writes of one request. Its consumed capacity and `ALL_OLD` of a failed condition depend on them. */
export interface Trace {
  /** The items that the request read by key. */
  readonly reads: { readonly tableName: string; readonly item: Item | undefined; readonly key?: Item }[];
  readonly walks: Walk[];
  readonly writes: ItemWrite[];
}
