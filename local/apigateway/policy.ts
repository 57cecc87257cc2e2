import { match, parsePolicy } from '../iam/policy.ts';

/** The decision of an authorizer's policy about a resource. A missing Allow is a Deny. */
export type PolicyDecision = 'Allow' | 'Deny';

const INVOKE_ACTION = 'execute-api:Invoke';

/**
 * Evaluates the `policyDocument` of a Lambda authorizer for `execute-api:Invoke` on `methodArn`.
 * @throws Error for a malformed document, and for one with a condition, whose keys are unknown here
 */
export function evaluatePolicy(document: unknown, methodArn: string): PolicyDecision {
  const statements = parsePolicy(document, 'policyDocument');
  if (statements.some(({ conditions }) => conditions.length > 0)) {
    throw new Error('policyDocument: a Condition is not supported in the policy of an authorizer');
  }
  const applying = statements.filter((statement) => match(statement, INVOKE_ACTION, methodArn, new Map()));
  const effects = new Set(applying.map(({ effect }) => effect));
  return effects.has('Allow') && !effects.has('Deny') ? 'Allow' : 'Deny';
}
