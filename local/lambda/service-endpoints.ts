/** What the AWS SDKs call a service in the names of variables, where that is not the name that it signs for. */
const SDK_IDS: Readonly<Record<string, readonly string[]>> = {
  'cognito-identity': ['COGNITO_IDENTITY'],
  'cognito-idp': ['COGNITO_IDENTITY_PROVIDER'],
  bedrock: ['BEDROCK', 'BEDROCK_RUNTIME', 'BEDROCK_AGENT_RUNTIME'],
  es: ['OPENSEARCH', 'ELASTICSEARCH_SERVICE'],
  events: ['EVENTBRIDGE'],
  'execute-api': ['APIGATEWAYMANAGEMENTAPI'],
  logs: ['CLOUDWATCH_LOGS'],
  monitoring: ['CLOUDWATCH'],
  'rds-data': ['RDS_DATA'],
  secretsmanager: ['SECRETS_MANAGER'],
  ses: ['SES', 'SESV2'],
  states: ['SFN'],
};

/**
 * The variables that send the clients of services to endpoints of their own
 * (https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html).
 * @param endpoints by the name that a service signs for, such as `s3`
 */
export function endpointVariables(endpoints: Readonly<Record<string, string>>): Record<string, string> {
  const variables = Object.entries(endpoints).flatMap(([service, url]) => {
    const ids = Object.hasOwn(SDK_IDS, service) ? SDK_IDS[service] : undefined;
    return (ids ?? [service.toUpperCase().replace(/[^A-Z0-9]/g, '_')]).map((id) => [`AWS_ENDPOINT_URL_${id}`, url]);
  });
  return Object.fromEntries(variables);
}
