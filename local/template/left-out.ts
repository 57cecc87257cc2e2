import type { PlannedResource } from './plan.ts';

/** A resource that is left out of the running application, with those that need it. */
export interface LeftOut {
  readonly stackName: string;
  readonly logicalId: string;
  readonly type: string;
  /** The reason, one sentence. */
  readonly reason: string;
  /** Its `Ref`. */
  readonly ref: string;
  /** The logical ids of the resources that go with it. */
  readonly with: readonly string[];
}

/** The resources that are left out of one stack. */
export interface StackLeftOut {
  /** Whether a property refers to a resource that is left out. */
  isIn(resource: PlannedResource, property: string | undefined): boolean;
  /**
   * @param property the property that prevents the creation of the resource, if any. If it refers to a resource that is left
   *   out, this one goes with that
   * @returns whether the resource has a reason of its own
   */
  add(resource: PlannedResource, property: string | undefined, reason: string, ref: string): boolean;
}

export function createStackLeftOut(all: LeftOut[]): StackLeftOut {
  const roots = new Map<string, LeftOut & { readonly with: string[] }>();
  const rootIn = ({ properties }: PlannedResource, property: string | undefined) => {
    const needs = property === undefined ? [] : (properties.get(property)?.needs ?? []);
    return needs.flatMap((need) => roots.get(need) ?? [])[0];
  };
  return {
    isIn: (resource, property) => rootIn(resource, property) !== undefined,
    add(resource, property, reason, ref) {
      const { logicalId, type, place } = resource;
      const root = rootIn(resource, property);
      if (root) {
        root.with.push(logicalId);
        roots.set(logicalId, root);
        return false;
      }
      const entry = { stackName: place.stackName, logicalId, type, reason, ref, with: [] };
      roots.set(logicalId, entry);
      all.push(entry);
      return true;
    },
  };
}
