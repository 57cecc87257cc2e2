import * as v from 'valibot';

const FUNCTION_URI = /^arn:aws:apigateway:[a-z0-9-]+:lambda:path\/2015-03-31\/functions\/(arn:[^/]+)\/invocations$/;

/** The URI of a Lambda function in an integration or an authorizer; gives the function's ARN. */
export const functionUri = v.pipe(
  v.string(),
  v.check(
    (uri) => FUNCTION_URI.test(uri),
    'arn:aws:apigateway:REGION:lambda:path/2015-03-31/functions/FUNCTION_ARN/invocations',
  ),
  v.transform((uri) => FUNCTION_URI.exec(uri)?.[1] ?? ''),
);
