import { AwsClient } from 'aws4fetch';
import {
  type Authenticate,
  createAuthenticate,
  KEY_SET_ALGORITHMS,
  SECRET_ALGORITHMS,
  type TrustedIssuer,
} from '../auth/authenticate.ts';
import { type AuthorizeHandshake, createAuthorize } from '../auth/authorize.ts';
import { createKeySet } from '../auth/key-set.ts';
import { canonicalOrigin } from '../auth/origins.ts';
import type { Revocations } from '../auth/revocations.ts';
import type { Now } from '../clock.ts';
import {
  type IdentityConfig,
  type IssuerConfig,
  jwksUrlOf,
  readAwsCredentials,
  readDirectoryConfig,
  readIdentityConfig,
  readRegion,
} from '../config.ts';
import { describeError, type Logger } from '../logger.ts';
import { createDynamoDbRevocations } from './dynamodb-revocations.ts';
import { createSecretReader } from './secret.ts';

/** Verifies tokens with the keys that the environment names. */
export function composeAuthenticate(
  now: Now,
  log: Logger,
  config: Omit<IdentityConfig, 'allowedOrigins'> = readIdentityConfig(),
): Authenticate {
  const { defaultCapability } = config;
  const issuers = config.issuers.map((issuer) => composeIssuer(issuer, now, log));
  return createAuthenticate({ issuers, defaultCapability, now });
}

export function composeRevocations(now: Now): Revocations {
  const region = readRegion();
  return createDynamoDbRevocations({
    client: new AwsClient({ ...readAwsCredentials(), service: 'dynamodb', region, retries: 2 }),
    endpoint: `https://dynamodb.${region}.amazonaws.com/`,
    tableName: readDirectoryConfig().connectionsTable,
    now,
  });
}

/** Decides on handshakes, with the issuers and origins that the environment names. */
export function composeAuthorize(
  now: Now,
  log: Logger,
  config: IdentityConfig = readIdentityConfig(),
): AuthorizeHandshake {
  const { allowedOrigins } = config;
  for (const origin of allowedOrigins.filter((each) => canonicalOrigin(each) === undefined)) {
    // It may come from a parameter that nobody has checked. The other origins, and clients that are not pages, still
    // get in.
    const error = new Error(
      `allowedOrigins: ${JSON.stringify(origin)} is not an origin, so it allows no page: write it like https://app.example.com`,
    );
    log({ route: 'authorize', outcome: 'failed', error: describeError(error), metrics: { Errors: 1 } });
  }
  return createAuthorize({
    authenticate: composeAuthenticate(now, log, config),
    revocations: composeRevocations(now),
    allowedOrigins,
  });
}

function composeIssuer(config: IssuerConfig, now: Now, log: Logger): TrustedIssuer {
  const { issuer, audience, audienceClaim = 'aud', ...keys } = config;
  const trusted = { issuer, audience, audienceClaim };
  if (keys.secretArn) return { ...trusted, getKey: createSecretReader(keys.secretArn), algorithms: SECRET_ALGORITHMS };
  const jwksUrl = jwksUrlOf(config);
  const onFailure = (error: unknown) =>
    log({ route: 'keys', outcome: 'failed', error: describeError(error), metrics: { Errors: 1 } });
  return { ...trusted, getKey: createKeySet({ jwksUrl, now, onFailure }), algorithms: KEY_SET_ALGORITHMS };
}
