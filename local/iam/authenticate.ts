import type { Clock } from '../clock.ts';
import { AwsError, LOCAL_REGION, type Principal } from '../service.ts';
import type { Credentials } from './credentials.ts';
import { createVerifier, parseAuthorization, type SignedRequest, sha256 } from './signature.ts';

/** The signer of a request, and the service in the signature. */
export interface Authenticated {
  readonly principal: Principal;
  readonly service: string;
}

/** AWS refuses requests with a larger difference of their date. */
const MAX_CLOCK_SKEW_MS = 5 * 60_000;

const MISMATCH =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and ' +
  'signing method. Consult the service documentation for details.';

/** Verifies the SigV4 signature of a request. @throws AwsError with AWS's answer */
export function createAuthenticate(credentials: Credentials, clock: Clock): (request: SignedRequest) => Authenticated {
  const verifier = createVerifier();
  return (request) => {
    const authorization = parseAuthorization(request.headers.authorization);
    if (!authorization)
      throw refused('IncompleteSignatureException', 'The Authorization header is not a complete AWS4-HMAC-SHA256 one.');
    const { accessKeyId, service, region } = authorization;
    const key = credentials.find(accessKeyId);
    if (!key || key.sessionToken !== request.headers['x-amz-security-token']) {
      throw refused('UnrecognizedClientException', 'The security token included in the request is invalid.');
    }
    checkDate(String(request.headers['x-amz-date'] ?? ''), authorization.date, clock);
    checkPayloadHash(request);
    if (region !== LOCAL_REGION) {
      throw refused(
        'InvalidSignatureException',
        `Credential should be scoped to a valid region, not '${region}'; the local cloud is ${LOCAL_REGION}.`,
      );
    }
    if (
      !authorization.signedHeaders.includes('host') ||
      !verifier.isSigned(request, authorization, key.secretAccessKey)
    ) {
      throw refused('InvalidSignatureException', MISMATCH);
    }
    // A copy, so that the principal identifies this request.
    return { principal: { ...key.principal }, service };
  };
}

/** Accepts the time of the wall clock and of the cloud's clock, which may run faster. */
function checkDate(text: string, scopeDate: string, clock: Clock): void {
  const signedAt = parseDate(text);
  if (signedAt === undefined) {
    throw refused('IncompleteSignatureException', `X-Amz-Date must look like 20260131T235959Z, got "${text}".`);
  }
  if (!text.startsWith(scopeDate)) {
    const dates = `'${scopeDate}' != '${text.slice(0, 8)}'`;
    throw refused('InvalidSignatureException', `Date in Credential scope does not match X-Amz-Date: ${dates}.`);
  }
  const skewMs = Math.min(Math.abs(signedAt - clock.now()), Math.abs(signedAt - Date.now()));
  if (skewMs <= MAX_CLOCK_SKEW_MS) return;
  const message = `Signature expired or not yet current: ${text} is more than 5 min away from now.`;
  throw refused('InvalidSignatureException', message);
}

/** Returns the epoch milliseconds of ISO 8601's basic form. */
function parseDate(text: string): number | undefined {
  const [matched, ...parts] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? [];
  if (matched === undefined) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

function checkPayloadHash({ headers, body }: SignedRequest): void {
  const declared = headers['x-amz-content-sha256'];
  if (declared === undefined || declared === sha256(body)) return;
  const unsigned = typeof declared === 'string' && /^(UNSIGNED|STREAMING)-/.test(declared);
  throw refused('InvalidSignatureException', unsigned ? `The payload must be signed, got ${declared}.` : MISMATCH);
}

function refused(code: string, message: string): AwsError {
  return new AwsError(code, message, 403);
}
