import type { ResourceProvider } from '../../service.ts';
import { functionArnOfUri } from '../arns.ts';
import { MAX_INTEGRATION_TIMEOUT_MS, MIN_INTEGRATION_TIMEOUT_MS } from '../limits.ts';
import type { Properties } from './properties.ts';
import { apiOf, type Provisioning, part, partId, provider } from './provider.ts';

export function integrationProvider({ apis }: Provisioning): ResourceProvider {
  return provider({
    type: 'Integration',
    properties: [
      'ApiId',
      'IntegrationType',
      'IntegrationUri',
      'IntegrationMethod',
      'TimeoutInMillis',
      'ContentHandlingStrategy',
      'ConnectionType',
      'PayloadFormatVersion',
    ],
    // A proxy integration passes everything through.
    inertProperties: ['Description', 'PassthroughBehavior'],
    create: (properties, resource) => {
      const api = apiOf(apis, properties);
      if (properties.requiredString('IntegrationType') !== 'AWS_PROXY') {
        properties.refuse(
          'IntegrationType',
          `${properties.string('IntegrationType')} is not supported; expected AWS_PROXY`,
        );
      }
      properties.oneOf('IntegrationMethod', ['POST']);
      properties.oneOf('ContentHandlingStrategy', ['CONVERT_TO_TEXT']);
      properties.oneOf('ConnectionType', ['INTERNET']);
      properties.oneOf('PayloadFormatVersion', ['1.0']);
      api.integrations.set(partId(resource), {
        functionArn: functionArn(properties, 'IntegrationUri'),
        timeoutMs: timeoutMs(properties),
      });
      return part(resource, 'IntegrationId');
    },
  });
}

/** The function that an `IntegrationUri` or `AuthorizerUri` names. */
export function functionArn(properties: Properties, name: 'IntegrationUri' | 'AuthorizerUri'): string {
  const uri = properties.requiredString(name);
  return (
    functionArnOfUri(uri) ??
    properties.refuse(
      name,
      'is not supported; expected arn:aws:apigateway:REGION:lambda:path/2015-03-31/functions/FUNCTION_ARN/invocations, ' +
        `got ${uri}`,
    )
  );
}

function timeoutMs(properties: Properties): number {
  const milliseconds = properties.number('TimeoutInMillis') ?? MAX_INTEGRATION_TIMEOUT_MS;
  if (milliseconds >= MIN_INTEGRATION_TIMEOUT_MS && milliseconds <= MAX_INTEGRATION_TIMEOUT_MS) return milliseconds;
  return properties.refuse(
    'TimeoutInMillis',
    `must be from ${MIN_INTEGRATION_TIMEOUT_MS} to ${MAX_INTEGRATION_TIMEOUT_MS}, got ${milliseconds}`,
  );
}
