import { createHash } from 'node:crypto';

/** The ids of connections, requests and messages. */
export interface Ids {
  /** 16 characters of URL-safe base64 with one `=` at the end, like `JC1dgf9yoAMCK-g=`. */
  next(): string;
  /** A trace id in the form of the header `X-Amzn-Trace-Id`. */
  traceId(nowMs: number): string;
}

const ID_BYTES = 11;
const ID_PATTERN = /^[A-Za-z0-9_-]{15}=$/;

/** @param random returns that many random bytes */
export function createIds(random: (byteCount: number) => Uint8Array): Ids {
  return {
    next: () => `${Buffer.from(random(ID_BYTES)).toString('base64url')}=`,
    traceId: (nowMs) => {
      const seconds = Math.floor(nowMs / 1000).toString(16);
      return `Root=1-${seconds}-${Buffer.from(random(12)).toString('hex')}`;
    },
  };
}

/** Whether `text` has the form of a connection id. AWS answers 400, not 410, to other texts. */
export function isConnectionId(text: string): boolean {
  return ID_PATTERN.test(text);
}

const RESOURCE_ID_ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** Makes an id: ten lowercase alphanumerics for an API, seven for its parts, the same after a restart. */
export function resourceId(length: 7 | 10, stackName: string, logicalId: string): string {
  const digest = createHash('sha256').update(`${stackName}\n${logicalId}`).digest();
  return Array.from(digest.subarray(0, length), (byte) => RESOURCE_ID_ALPHABET[byte % 36]).join('');
}
