import { createHash } from 'node:crypto';
import { LOCAL_ACCOUNT, type Principal } from '../service.ts';

/** Returns the `SenderId` of a message: an IAM role's id (`AROA…`) and its session's name. */
export function senderIdOf(principal: Principal): string {
  if (principal.kind === 'admin') return LOCAL_ACCOUNT;
  const digest = createHash('sha256').update(principal.roleArn).digest('hex').toUpperCase();
  return `AROA${digest.slice(0, 17)}:${principal.sessionName}`;
}
