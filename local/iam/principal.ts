import { LOCAL_ACCOUNT, type Principal } from '../service.ts';

/** Returns the ARN of a principal as AWS shows it: that of the session, not of its role. */
export function principalArn(principal: Principal): string {
  if (principal.kind === 'admin') return `arn:aws:iam::${LOCAL_ACCOUNT}:user/local`;
  return `arn:aws:sts::${LOCAL_ACCOUNT}:assumed-role/${roleName(principal.roleArn)}/${principal.sessionName}`;
}

/** Returns the name at the end of a role's ARN, without its path. */
export function roleName(roleArn: string): string {
  return roleArn.slice(roleArn.lastIndexOf('/') + 1);
}
