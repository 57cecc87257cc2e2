import { isObject, type JsonObject } from '../json.ts';
import { SERVICES_HERE } from '../service.ts';
import { type ArnPattern, arnPattern } from './arn-pattern.ts';
import { type RequestKeys, requireSupportedKey } from './condition-keys.ts';
import { type Condition, parseCondition } from './conditions.ts';
import { type Wildcard, wildcard } from './wildcards.ts';

/** Patterns. One has to match or, in `NotAction` and `NotResource`, none. */
interface Selection<Pattern> {
  readonly negated: boolean;
  readonly patterns: readonly Pattern[];
}

/** One statement of an identity-based policy. */
export interface Statement {
  readonly effect: 'Allow' | 'Deny';
  readonly sid: string | undefined;
  readonly actions: Selection<Wildcard>;
  readonly resources: Selection<ArnPattern>;
  readonly conditions: readonly Condition[];
}

/** The patterns of a statement that matched a request. Empty for `NotAction` and `NotResource`. */
export interface Match {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
}

const STATEMENT_KEYS = new Set(['Sid', 'Effect', 'Action', 'NotAction', 'Resource', 'NotResource', 'Condition']);
const VERSIONS = new Set<unknown>([undefined, '2012-10-17']);

/**
 * Reads an identity-based policy document.
 * @param place the place of the document, for errors
 * @throws Error naming the malformed or unsupported part
 */
export function parsePolicy(document: unknown, place: string): readonly Statement[] {
  if (!isObject(document)) throw new Error(`${place}: expected a policy document, got ${JSON.stringify(document)}`);
  if (!VERSIONS.has(document['Version'])) {
    throw new Error(
      `${place}: the policy version ${JSON.stringify(document['Version'])} is not supported; use 2012-10-17`,
    );
  }
  return asArray(document['Statement']).map((statement, index) => {
    const here = `${place}, statement ${index + 1}`;
    if (!isObject(statement)) throw new Error(`${here}: expected an object, got ${JSON.stringify(statement)}`);
    try {
      return parseStatement(statement);
    } catch (error) {
      throw new Error(`${here}: ${error instanceof Error ? error.message : error}`, { cause: error });
    }
  });
}

/** Returns how a statement applies to a request, or `undefined` if it does not. */
export function match(statement: Statement, action: string, resourceArn: string, keys: RequestKeys): Match | undefined {
  const lookUp = (key: string) => {
    const values = keys.get(key.toLowerCase());
    return values?.length === 1 ? values[0] : undefined;
  };
  const actions = statement.actions.patterns.filter((pattern) => pattern.matches(action, lookUp));
  if (actions.length > 0 === statement.actions.negated) return undefined;
  const resources = statement.resources.patterns.filter((pattern) => pattern.matches(resourceArn, lookUp));
  if (resources.length > 0 === statement.resources.negated) return undefined;
  if (!statement.conditions.every((condition) => condition.holds(keys))) return undefined;
  return { actions: actions.map(({ source }) => source), resources: resources.map(({ source }) => source) };
}

function parseStatement(statement: JsonObject): Statement {
  for (const key of Object.keys(statement)) {
    if (!STATEMENT_KEYS.has(key)) throw new Error(`"${key}" is not supported in an identity-based policy`);
  }
  const effect = statement['Effect'];
  if (effect !== 'Allow' && effect !== 'Deny')
    throw new Error(`Effect must be Allow or Deny, got ${JSON.stringify(effect)}`);
  const sid = statement['Sid'];
  const actions = selection(statement, 'Action', (source) => actionPattern(source));
  const resources = selection(statement, 'Resource', arnPattern);
  const own: Omit<Statement, 'conditions'> = {
    effect,
    sid: typeof sid === 'string' ? sid : undefined,
    actions,
    resources,
  };
  // Nothing evaluates the statement, so its conditions may have any keys.
  if (isForeign(actions)) return { ...own, conditions: [] };
  for (const pattern of resources.patterns) pattern.keys.forEach(requireSupportedKey);
  return {
    ...own,
    conditions: parseConditions(statement['Condition']),
  };
}

/** Whether all actions of a statement belong to services that do not run here. */
function isForeign({ negated, patterns }: Selection<Wildcard>): boolean {
  const here = new Set<string>(['*', ...SERVICES_HERE]);
  return !negated && patterns.every(({ source }) => !here.has(source.toLowerCase().split(':')[0] ?? ''));
}

function actionPattern(source: string): Wildcard {
  if (source !== '*' && !/^[\w-]+:[\w*?]+$/.test(source))
    throw new Error(`"${source}" is not an action (service:Action)`);
  return wildcard(source, { ignoreCase: true });
}

function selection<Pattern>(
  statement: JsonObject,
  name: string,
  parse: (source: string) => Pattern,
): Selection<Pattern> {
  const negated = statement[`Not${name}`] !== undefined;
  if (negated === (statement[name] !== undefined)) throw new Error(`expected either ${name} or Not${name}`);
  const key = negated ? `Not${name}` : name;
  return { negated, patterns: texts(statement[key], key).map(parse) };
}

function parseConditions(block: unknown): Condition[] {
  if (block === undefined) return [];
  if (!isObject(block)) throw new Error('Condition must be an object');
  return Object.entries(block).flatMap(([operator, keys]) => {
    if (!isObject(keys)) throw new Error(`Condition.${operator} must be an object`);
    return Object.entries(keys).map(([key, value]) => parseCondition(operator, key, texts(value, key)));
  });
}

/** Reads one text or several. CloudFormation accepts booleans and numbers as text, too. */
function texts(value: unknown, name: string): string[] {
  return asArray(value).map((item) => {
    if (['string', 'boolean', 'number'].includes(typeof item)) return String(item);
    throw new Error(`${name} must be text or a list of texts, got ${JSON.stringify(item)}`);
  });
}

function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}
