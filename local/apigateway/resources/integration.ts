import * as v from 'valibot';
import { count } from '../../resource-properties.ts';
import type { ResourceProvider } from '../../service.ts';
import { MAX_INTEGRATION_TIMEOUT_MS, MIN_INTEGRATION_TIMEOUT_MS } from '../limits.ts';
import { credentialsArn, functionUri, invokedFunction } from './function-uri.ts';
import { apiOf, type Provisioning, part, partId, provider } from './provider.ts';

export function integrationProvider({ apis }: Provisioning): ResourceProvider {
  return provider({
    type: 'Integration',
    properties: {
      ApiId: v.string(),
      CredentialsArn: credentialsArn,
      IntegrationType: v.literal('AWS_PROXY'),
      IntegrationUri: functionUri,
      IntegrationMethod: v.optional(v.literal('POST')),
      TimeoutInMillis: v.optional(
        v.pipe(count, v.minValue(MIN_INTEGRATION_TIMEOUT_MS), v.maxValue(MAX_INTEGRATION_TIMEOUT_MS)),
        MAX_INTEGRATION_TIMEOUT_MS,
      ),
      ContentHandlingStrategy: v.optional(v.literal('CONVERT_TO_TEXT')),
      ConnectionType: v.optional(v.literal('INTERNET')),
      PayloadFormatVersion: v.optional(v.literal('1.0')),
    },
    // A proxy integration passes everything through.
    inertProperties: ['Description', 'PassthroughBehavior'],
    create: ({ ApiId, IntegrationUri, CredentialsArn, TimeoutInMillis }, resource, refuse) => {
      const { integrations } = apiOf(apis, ApiId, refuse);
      const invoked = invokedFunction(IntegrationUri, CredentialsArn);
      integrations.set(partId(resource), { ...invoked, timeoutMs: TimeoutInMillis });
      return part(resource, 'IntegrationId');
    },
  });
}
