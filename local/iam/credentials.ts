import { randomBytes } from 'node:crypto';
import type { Principal } from '../service.ts';
import type { Roles } from './roles.ts';

/** The credentials of a role's session. Local sessions do not expire. */
export interface SessionCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

export interface KnownKey {
  readonly principal: Principal;
  readonly secretAccessKey: string;
  /** Absent for the administrator, who has a long-term key. */
  readonly sessionToken?: string;
}

export interface Credentials {
  /** Lets a service assume a role. @throws AwsError if the role is unknown, or does not trust the service */
  issueForRole(roleArn: string, sessionName: string, service: string): SessionCredentials;
  find(accessKeyId: string): KnownKey | undefined;
}

/** Access key and secret of the administrator, who may do everything. */
export const ADMIN_KEY = 'local';

export function createCredentials(roles: Roles): Credentials {
  const keys = new Map<string, KnownKey>([[ADMIN_KEY, { principal: { kind: 'admin' }, secretAccessKey: ADMIN_KEY }]]);
  return {
    issueForRole(roleArn, sessionName, service) {
      roles.requireTrust(roleArn, service);
      const credentials = {
        // Temporary access keys begin with ASIA; 16 more characters of base 32 follow.
        accessKeyId: `ASIA${base32(randomBytes(16))}`,
        secretAccessKey: randomBytes(30).toString('base64'),
        sessionToken: randomBytes(48).toString('base64'),
      };
      const { accessKeyId, ...secrets } = credentials;
      keys.set(accessKeyId, { principal: { kind: 'role', roleArn, sessionName }, ...secrets });
      return credentials;
    },
    find: (accessKeyId) => keys.get(accessKeyId),
  };
}

function base32(bytes: Uint8Array): string {
  return [...bytes].map((byte) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[byte % 32]).join('');
}
