import { AwsClient } from 'aws4fetch';
import { readAwsCredentials } from '../config.ts';

/** How long a secret is kept, in milliseconds. A rotated secret is in use at the latest this much later. */
const MAX_AGE_MS = 5 * 60 * 1000;

/** A shorter secret can be guessed from one token. @see https://www.rfc-editor.org/rfc/rfc7518#section-3.2 */
const MIN_BYTES = 32;

/**
 * Reads a secret's string from Secrets Manager, and keeps it for five minutes. Signed with aws4fetch: the SDK's client
 * alone is four times as large as the authorizer's bundle.
 * @throws Error (from the returned function) if the secret cannot be read, or is too short
 */
export function createSecretReader(secretArn: string, now: () => number = Date.now): () => Promise<Uint8Array> {
  const region = secretArn.split(':')[3] ?? '';
  let cached: { readonly value: Promise<Uint8Array>; readonly readAt: number } | undefined;
  return () => {
    if (!cached || now() - cached.readAt > MAX_AGE_MS) {
      const value = readSecret(secretArn, region);
      cached = { value, readAt: now() };
      value.catch(() => {
        cached = undefined;
      });
    }
    return cached.value;
  };
}

async function readSecret(secretArn: string, region: string): Promise<Uint8Array> {
  const client = new AwsClient({ ...readAwsCredentials(), service: 'secretsmanager', region, retries: 2 });
  const response = await client.fetch(`https://secretsmanager.${region}.amazonaws.com/`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'secretsmanager.GetSecretValue' },
    body: JSON.stringify({ SecretId: secretArn }),
  });
  if (!response.ok) throw new Error(`Secrets Manager answered ${response.status} for the shared secret`);
  const { SecretString } = (await response.json()) as { SecretString?: string };
  if (!SecretString) throw new Error('The shared secret has no SecretString');
  const secret = new TextEncoder().encode(SecretString);
  if (secret.length < MIN_BYTES)
    throw new Error(`The shared secret has ${secret.length} bytes; at least ${MIN_BYTES} are needed`);
  return secret;
}
