/**
 * Finds the route key of a message. Returns undefined if the message is no JSON: then the expression has no value, and AWS
 * takes `$default`.
 */
export type SelectRouteKey = (body: string) => string | undefined;

type Part = { readonly literal: string } | { readonly path: readonly string[] };

/**
 * Compiles a `RouteSelectionExpression`: literals, `\$`, and variables `$request.body.a.b` or `${request.body.a.b}`,
 * in any number. A result that is no string becomes JSON text, a missing one "".
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-develop-routes.html
 * @throws Error for a variable other than `request.body.…`
 */
export function compileRouteSelectionExpression(expression: string): SelectRouteKey {
  const parts = parseParts(expression);
  return (body) => {
    const message = parseJson(body);
    if (message === undefined) return undefined;
    return parts
      .map((part) => ('literal' in part ? part.literal : stringify(follow(message.value, part.path))))
      .join('');
  };
}

const PART = /\\\$|\$\{([^}]*)\}|\$([\w.\-[\]'"]*)|[^$\\]+|\\/g;

function parseParts(expression: string): Part[] {
  return Array.from(expression.matchAll(PART), ([text, braced, bare]): Part => {
    if (text === '\\$') return { literal: '$' };
    const variable = braced ?? bare;
    return variable === undefined ? { literal: text } : { path: parseVariable(variable, expression) };
  });
}

function parseVariable(variable: string, expression: string): string[] {
  const [, steps] = /^request\.body((?:\.[^.[\]]+|\[[^\]]+\])+)$/.exec(variable) ?? [];
  if (steps === undefined) {
    throw new Error(
      `the variable "$${variable}" of the route selection expression "${expression}" is not supported; ` +
        'expected $request.body.{path_to_body_element}',
    );
  }
  return Array.from(
    steps.matchAll(/\.([^.[\]]+)|\[(?:'([^']*)'|"([^"]*)"|(\d+))\]/g),
    (step) => step.slice(1).find((name) => name !== undefined) ?? '',
  );
}

function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** Own properties only: a message must not reach `Object.prototype`. */
function follow(value: unknown, path: readonly string[]): unknown {
  let current = value;
  for (const name of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, name)) return undefined;
    current = Reflect.get(current, name);
  }
  return current;
}

function stringify(value: unknown): string {
  if (value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
