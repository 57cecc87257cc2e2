import { isObject } from './json.ts';
import type { Stack } from './template/stack.ts';

/** Returns the address of a stage for WebSocket clients. */
export function stageUrl(host: string, port: number, stageName: string): string {
  return `ws://${host}:${port}/${stageName}`;
}

/**
 * Replaces `{endpointUrl}`, `{websocketUrl}` and `{port}` in the values of parameters. The deployment needs them at its
 * start, so the stage's name comes from the template.
 */
export function fillInUrls(
  parameters: Readonly<Record<string, string>>,
  stacks: readonly Stack[],
  endpoint: { readonly host: string; readonly port: number },
): ReadonlyMap<string, string> {
  const endpointUrl = `http://${endpoint.host}:${endpoint.port}`;
  const filled = new Map<string, string>();
  for (const [name, value] of Object.entries(parameters)) {
    const withEndpoint = value.replaceAll('{endpointUrl}', endpointUrl).replaceAll('{port}', String(endpoint.port));
    filled.set(
      name,
      withEndpoint.replaceAll('{websocketUrl}', () => websocketUrl(name, stacks, endpoint)),
    );
  }
  return filled;
}

function websocketUrl(
  parameter: string,
  stacks: readonly Stack[],
  { host, port }: { readonly host: string; readonly port: number },
): string {
  const names = stacks.flatMap(({ document }) => stageNames(document));
  const [name] = names;
  if (typeof name === 'string' && names.length === 1) return stageUrl(host, port, name);
  throw new Error(
    `the parameter ${parameter} uses {websocketUrl}, which needs exactly one WebSocket stage with a fixed name: the app ` +
      `has ${names.length === 0 ? 'none' : names.map((value) => JSON.stringify(value)).join(', ')}`,
  );
}

function stageNames(document: unknown): readonly unknown[] {
  const resources = isObject(document) ? document['Resources'] : undefined;
  if (!isObject(resources)) return [];
  return Object.values(resources).flatMap((resource) => {
    if (!isObject(resource) || resource['Type'] !== 'AWS::ApiGatewayV2::Stage') return [];
    const properties = resource['Properties'];
    return [isObject(properties) ? properties['StageName'] : undefined];
  });
}
