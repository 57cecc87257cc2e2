/** Runs an AWS application — API Gateway WebSocket, Lambda, DynamoDB and what goes with them — on this machine. */
export type { AwsCall } from './front/calls.ts';
export type { DeniedCall, IamReport, UnusedGrant } from './iam/usage.ts';
export type { LocalCloud, Ready } from './local-cloud.ts';
export type { LogEntry, TimedLogEntry } from './log.ts';
export type { LocalCloudOptions } from './options.ts';
export { LOCAL_ACCOUNT, LOCAL_REGION } from './service.ts';
export { startLocalCloud } from './start.ts';
export type { LeftOut } from './template/left-out.ts';
export { DeployError } from './template/problems.ts';
export type { ReadTrust, TrustedIssuer } from './trust.ts';
