export interface Ordered {
  /** All ids, each after its needs, otherwise in the given order. */
  readonly order: readonly string[];
  /** The ids of each cycle, with the first one again at the end: `A, B, A`. */
  readonly cycles: readonly (readonly string[])[];
}

/** Sorts ids so that each comes after its needs. Ignores needs that are no ids. */
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
