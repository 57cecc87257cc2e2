/** The names of services in the variables of the AWS SDKs, if they differ from the names in signatures. */
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
 * Returns the variables that set the endpoints of services for SDK clients
 * (https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html).
 * @param endpoints by the name in signatures, such as `s3`
 */
export function endpointVariables(endpoints: Readonly<Record<string, string>>): Record<string, string> {
  const variables = Object.entries(endpoints).flatMap(([service, url]) => {
    const ids = Object.hasOwn(SDK_IDS, service) ? SDK_IDS[service] : undefined;
    return (ids ?? [service.toUpperCase().replace(/[^A-Z0-9]/g, '_')]).map((id) => [`AWS_ENDPOINT_URL_${id}`, url]);
  });
  return Object.fromEntries(variables);
}
