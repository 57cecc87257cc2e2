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

/** What a query or a scan came across. */
export interface Walk {
  /** Absent: the table itself. */
  readonly index?: Pick<IndexWrite, 'kind' | 'indexName'>;
  /** In order. There may be more of them than the answer counts as scanned. */
  readonly items: Item[];
}

/** What one request did to the store: the ground for its consumed capacity, and for `ALL_OLD` of a failed condition. */
export interface Trace {
  /** Items that were looked up by key. */
  readonly reads: { readonly tableName: string; readonly item: Item | undefined }[];
  readonly walks: Walk[];
  readonly writes: ItemWrite[];
}
