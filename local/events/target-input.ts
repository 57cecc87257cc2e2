import { ownField } from '../json.ts';
import { propertyError } from '../resource-properties.ts';
import type { Resource } from '../service.ts';
import type { EventBridgeEvent } from './put-events.ts';

/** Makes a target's input from an event. */
export type Transform = (event: EventBridgeEvent) => unknown;

/**
 * Reads a target's `Input` (a constant), `InputPath` (a part of the event), or neither (the event itself).
 * @throws Error naming the resource and the property
 */
export function readTransform(
  resource: Resource,
  target: { readonly Input?: string | undefined; readonly InputPath?: string | undefined },
  property: string,
): Transform {
  const { Input, InputPath } = target;
  if (Input !== undefined) {
    const constant = parse(Input);
    if (constant === undefined) throw propertyError(resource, `${property}.Input`, `expected JSON, got ${Input}`);
    return () => constant;
  }
  if (InputPath === undefined) return (event) => event;
  if (!/^\$(\.[\w-]+)*$/.test(InputPath)) {
    const problem = `only dotted paths, such as $.detail.id, are supported locally, got ${InputPath}`;
    throw propertyError(resource, `${property}.InputPath`, problem);
  }
  const names = InputPath.split('.').slice(1);
  return (event) => names.reduce<unknown>(ownField, event);
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
