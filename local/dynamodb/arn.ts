import { LOCAL_ACCOUNT, LOCAL_REGION } from '../service.ts';

const PREFIX = `arn:aws:dynamodb:${LOCAL_REGION}:${LOCAL_ACCOUNT}:table/`;

export function tableArn(tableName: string): string {
  return PREFIX + tableName;
}

export function indexArn(tableName: string, indexName: string): string {
  return `${tableArn(tableName)}/index/${indexName}`;
}

/** Reads the name of a table. The API accepts the ARN in the same places. */
export function tableNameOf(nameOrArn: string): string {
  return nameOrArn.startsWith(PREFIX) ? (nameOrArn.slice(PREFIX.length).split('/')[0] ?? nameOrArn) : nameOrArn;
}
