import { expect, test } from 'vitest';
import { endpointVariables } from '../../../../local/lambda/service-endpoints.ts';

const URL = 'http://127.0.0.1:9000';

test.each([
  ['s3', ['AWS_ENDPOINT_URL_S3']],
  ['cognito-idp', ['AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER']],
  ['ses', ['AWS_ENDPOINT_URL_SES', 'AWS_ENDPOINT_URL_SESV2']],
  ['application-autoscaling', ['AWS_ENDPOINT_URL_APPLICATION_AUTOSCALING']],
  ['constructor', ['AWS_ENDPOINT_URL_CONSTRUCTOR']],
])('%s is called %j in the names of variables', (service, names) => {
  expect(endpointVariables({ [service]: URL })).toEqual(Object.fromEntries(names.map((name) => [name, URL])));
});
