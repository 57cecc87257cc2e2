import * as v from 'valibot';
import type { InvokedFunction } from '../model.ts';

const FUNCTION_URI = /^arn:aws:apigateway:[a-z0-9-]+:lambda:path\/2015-03-31\/functions\/(arn:[^/]+)\/invocations$/;

/** Reads the URI of a Lambda function in an integration or an authorizer. Returns the function's ARN. */
export const functionUri = v.pipe(
  v.string(),
  v.check(
    (uri) => FUNCTION_URI.test(uri),
    'arn:aws:apigateway:REGION:lambda:path/2015-03-31/functions/FUNCTION_ARN/invocations',
  ),
  v.transform((uri) => FUNCTION_URI.exec(uri)?.[1] ?? ''),
);

/** The role that API Gateway assumes to invoke the function. The caller's own identity (`arn:aws:iam::*:user/*`) is none. */
export const credentialsArn = v.optional(
  v.pipe(
    v.string(),
    v.check((arn) => /^arn:aws:iam::\d{12}:role\/.+$/.test(arn), "a role's ARN"),
  ),
);

/** Returns a function with the role for its invocation. */
export function invokedFunction(functionArn: string, roleArn: string | undefined): InvokedFunction {
  return { functionArn, ...(roleArn !== undefined && { roleArn }) };
}
