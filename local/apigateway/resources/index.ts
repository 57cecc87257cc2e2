import type { ResourceProvider } from '../../service.ts';
import { apiProvider } from './api.ts';
import { authorizerProvider } from './authorizer.ts';
import { integrationProvider } from './integration.ts';
import type { Provisioning } from './provider.ts';
import { routeProvider, routeResponseProvider } from './route.ts';
import { deploymentProvider, stageProvider } from './stage.ts';

/**
 * The providers for WebSocket APIs. The local cloud refuses custom domains, API mappings, models, integration responses and
 * VPC links by the name of their type, because they have no provider.
 */
export function createProviders(provisioning: Provisioning): readonly ResourceProvider[] {
  return [
    apiProvider(provisioning),
    integrationProvider(provisioning),
    authorizerProvider(provisioning),
    routeProvider(provisioning),
    routeResponseProvider(provisioning),
    deploymentProvider(provisioning),
    stageProvider(provisioning),
  ];
}
