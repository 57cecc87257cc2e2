/** What an authorizer's policy says about a resource. A missing Allow is a Deny. */
export type PolicyDecision = 'Allow' | 'Deny';

const INVOKE_ACTION = 'execute-api:Invoke';
const STATEMENT_KEYS: ReadonlySet<string> = new Set(['Sid', 'Effect', 'Action', 'Resource']);

/**
 * Evaluates the `policyDocument` of a Lambda authorizer for `execute-api:Invoke` on `methodArn`.
 * @throws Error when the document is malformed, or has an element that is not evaluated here (`Condition`, `NotAction`…).
 */
export function evaluatePolicy(document: unknown, methodArn: string): PolicyDecision {
  if (!isRecord(document)) throw new Error('policyDocument is not an object');
  const statements = [document['Statement'] ?? []].flat();
  if (statements.length === 0) throw new Error('policyDocument has no Statement');
  const effects = statements.filter((statement) => applies(statement, methodArn)).map(({ Effect }) => Effect);
  return effects.includes('Allow') && !effects.includes('Deny') ? 'Allow' : 'Deny';
}

function applies(statement: unknown, methodArn: string): statement is { readonly Effect: PolicyDecision } {
  if (!isRecord(statement)) throw new Error('a Statement of policyDocument is not an object');
  const unsupported = Object.keys(statement).find((key) => !STATEMENT_KEYS.has(key));
  if (unsupported !== undefined) throw new Error(`${unsupported} in policyDocument is not supported`);
  const effect = statement['Effect'];
  if (effect !== 'Allow' && effect !== 'Deny') throw new Error('an Effect of policyDocument is neither Allow nor Deny');
  const actions = patterns(statement, 'Action');
  const resources = patterns(statement, 'Resource');
  return (
    actions.some((action) => matches(action.toLowerCase(), INVOKE_ACTION.toLowerCase())) &&
    resources.some((resource) => matches(resource, methodArn))
  );
}

function patterns(statement: Readonly<Record<string, unknown>>, key: string): string[] {
  const values: unknown[] = [statement[key] ?? []].flat();
  const strings = values.filter((value) => typeof value === 'string');
  if (strings.length === 0 || strings.length < values.length) {
    throw new Error(`a ${key} of policyDocument is neither a string nor a list of strings`);
  }
  return strings;
}

/** IAM's wildcards: `*` is any text, `?` any one character. */
function matches(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[\\^$.+()|[\]{}]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(text);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
