import { match, parsePolicy } from '../iam/policy.ts';

/** What an authorizer's policy says about a resource. A missing Allow is a Deny. */
export type PolicyDecision = 'Allow' | 'Deny';

const INVOKE_ACTION = 'execute-api:Invoke';

/**
 * Evaluates the `policyDocument` of a Lambda authorizer for `execute-api:Invoke` on `methodArn`.
 * @throws Error when the document is malformed, or has a condition: the keys of such a request are not known here.
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
