import { createHash } from 'node:crypto';

/** The identifiers that API Gateway gives to connections, requests and messages. */
export interface Ids {
  /** 16 characters of URL-safe base64 with one `=` at the end, like `JC1dgf9yoAMCK-g=`. */
  next(): string;
  /** A trace id in the form of the header `X-Amzn-Trace-Id`. */
  traceId(nowMs: number): string;
}

const ID_BYTES = 11;
const ID_PATTERN = /^[A-Za-z0-9_-]{15}=$/;

/** `random` gives that many random bytes. */
export function createIds(random: (byteCount: number) => Uint8Array): Ids {
  return {
    next: () => `${Buffer.from(random(ID_BYTES)).toString('base64url')}=`,
    traceId: (nowMs) => {
      const seconds = Math.floor(nowMs / 1000).toString(16);
      return `Root=1-${seconds}-${Buffer.from(random(12)).toString('hex')}`;
    },
  };
}

/** Whether `text` could be a connection id. AWS answers 400, not 410, to one that could not. */
export function isConnectionId(text: string): boolean {
  return ID_PATTERN.test(text);
}

const RESOURCE_ID_ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** Ten lowercase alphanumerics for an API, seven for its parts; the same after a restart. */
export function resourceId(length: 7 | 10, stackName: string, logicalId: string): string {
  const digest = createHash('sha256').update(`${stackName}\n${logicalId}`).digest();
  return Array.from(digest.subarray(0, length), (byte) => RESOURCE_ID_ALPHABET[byte % 36]).join('');
}
