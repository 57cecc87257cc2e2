import type { Compile, Context, Names } from './context.ts';
import { type Expression, type Scope, ValueError } from './expression.ts';
import type { Place, Problems } from './problems.ts';
import type { Template } from './template.ts';

/** Conditions get their values before any resource or export exists. */
const NOTHING_CREATED: Scope = {
  resource(logicalId) {
    throw new Error(`a condition asked for the resource ${logicalId}`);
  },
  exported: () => undefined,
  stored: () => undefined,
};

/**
 * Evaluates each condition of a template once, at its first use. Conditions may use `constants` (parameters), mappings and
 * each other, but no resources.
 */
export function createConditions(
  template: Template,
  constants: ReadonlyMap<string, Expression>,
  stackName: string,
  compile: Compile,
  problems: Problems,
): Names['condition'] {
  const values = new Map<string, boolean | 'evaluating'>();
  const names: Names = {
    mappings: template.mappings,
    condition,
    reference(name, place) {
      const value = constants.get(name);
      if (!value) problems.add(place, `Ref to "${name}": a condition can use the parameters of its stack only`);
      return value;
    },
    attribute(logicalId, name, place) {
      problems.add(place, `Fn::GetAtt of "${logicalId}.${name}": a condition can use the parameters of its stack only`);
      return undefined;
    },
  };

  function condition(name: string, place: Place): boolean | undefined {
    const value = values.get(name);
    if (value === 'evaluating') {
      problems.add(place, `the condition ${name} depends on itself`);
      return undefined;
    }
    if (value !== undefined) return value;
    if (!Object.hasOwn(template.conditions, name)) {
      problems.add(place, `there is no condition "${name}" in this stack`);
      return undefined;
    }
    values.set(name, 'evaluating');
    const here = { stackName, element: `condition ${name}` };
    const holds = evaluate(template.conditions[name], { names, problems, place: here, inConditions: true, compile });
    values.set(name, holds);
    return holds;
  }
  return condition;
}

function evaluate(value: unknown, context: Context): boolean {
  try {
    const holds = context.compile(value, context).evaluate(NOTHING_CREATED);
    if (typeof holds === 'boolean') return holds;
    context.problems.add(context.place, 'expected Fn::Equals, Fn::And, Fn::Or, Fn::Not or Condition');
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    context.problems.addSentence(error.message);
  }
  return false;
}
