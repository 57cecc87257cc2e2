export interface Ordered {
  /** Every id after those it needs; otherwise as given. */
  readonly order: readonly string[];
  /** The ids of each cycle, the first one repeated at the end: `A, B, A`. */
  readonly cycles: readonly (readonly string[])[];
}

/** Puts ids into an order in which each comes after those it needs. Needs that are not ids themselves are ignored. */
export function inOrder(needs: ReadonlyMap<string, Iterable<string>>): Ordered {
  const order = new Set<string>();
  const cycles: string[][] = [];
  const path: string[] = [];
  const visit = (id: string) => {
    if (order.has(id)) return;
    const start = path.indexOf(id);
    if (start >= 0) {
      cycles.push([...path.slice(start), id]);
      return;
    }
    path.push(id);
    for (const need of needs.get(id) ?? []) {
      if (needs.has(need)) visit(need);
    }
    path.pop();
    order.add(id);
  };
  for (const id of needs.keys()) visit(id);
  return { order: [...order], cycles };
}
