import { BeckonError, type TokenRequest } from '../../client/index.ts';

/** Returns a token for each request of the client. */
export type GetToken = (request: TokenRequest) => Promise<string> | string;

/** Gets tokens of the local issuer for any name. */
export function tokensFor(name: string, tokenUrl: string): GetToken {
  return async ({ signal }) => {
    const response = await fetch(tokenUrl, { method: 'POST', body: JSON.stringify({ sub: name }), signal });
    const answer = (await response.json()) as { readonly token?: string; readonly message?: string };
    if (response.ok && answer.token !== undefined) return answer.token;
    const told = answer.message ?? `The issuer answered with HTTP ${response.status}.`;
    // The issuer would refuse the same name again, but a server error may pass.
    if (response.status < 500) throw new BeckonError('unauthorized', told);
    throw new Error(told);
  };
}

/** Reads a token's claims, or finds what is wrong with it. Only the server checks the signature. */
export function readToken(token: string): { readonly name: string } | { readonly problem: string } {
  const claims = decodeClaims(token);
  if (!claims) return { problem: 'This is not a JWT: it must have three parts, with dots between them.' };
  const { sub, exp } = claims;
  if (typeof sub !== 'string' || sub === '') return { problem: 'This token has no "sub", so it is nobody’s.' };
  if (typeof exp === 'number' && exp * 1000 <= Date.now()) {
    return { problem: `This token expired at ${new Date(exp * 1000).toLocaleString()}.` };
  }
  return { name: sub };
}

function decodeClaims(token: string): { readonly sub?: unknown; readonly exp?: unknown } | undefined {
  const parts = token.split('.');
  try {
    const binary = atob((parts[1] ?? '').replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return parts.length === 3 && typeof claims === 'object' && claims !== null ? claims : undefined;
  } catch {
    return undefined;
  }
}
