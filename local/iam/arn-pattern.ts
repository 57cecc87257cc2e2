import { type Wildcard, wildcard } from './wildcards.ts';

/** `arn:partition:service:region:account:resource`. Only the resource may contain colons. */
const ARN_PARTS = 6;

/** A pattern for ARNs. A wildcard stays within its part: `arn:aws:sqs:*:1:q` does not reach into the account. */
export interface ArnPattern {
  readonly source: string;
  readonly keys: readonly string[];
  matches(arn: string, lookUp: (key: string) => string | undefined): boolean;
}

/** @throws Error if `source` is neither `*` nor has the form of an ARN */
export function arnPattern(source: string): ArnPattern {
  if (source === '*') return { source, keys: [], matches: () => true };
  const parts: readonly Wildcard[] = split(source).map((part) => wildcard(part));
  if (parts.length < ARN_PARTS || parts[0]?.source !== 'arn') {
    throw new Error(`"${source}" is neither "*" nor an ARN (arn:partition:service:region:account:resource)`);
  }
  return {
    source,
    keys: parts.flatMap((part) => part.keys),
    matches(arn, lookUp) {
      const texts = split(arn);
      return parts.every((part, index) => part.matches(texts[index] ?? '', lookUp));
    },
  };
}

/** Colons inside `${aws:…}` do not separate parts. */
function split(arn: string): string[] {
  const parts = arn.split(/:(?![^{}]*\})/);
  if (parts.length <= ARN_PARTS) return parts;
  return [...parts.slice(0, ARN_PARTS - 1), parts.slice(ARN_PARTS - 1).join(':')];
}
