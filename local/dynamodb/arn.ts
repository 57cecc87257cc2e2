import { LOCAL_ACCOUNT, LOCAL_REGION } from '../service.ts';

const PREFIX = `arn:aws:dynamodb:${LOCAL_REGION}:${LOCAL_ACCOUNT}:table/`;

export function tableArn(tableName: string): string {
  return PREFIX + tableName;
}

export function indexArn(tableName: string, indexName: string): string {
  return `${tableArn(tableName)}/index/${indexName}`;
}

/** The API takes a table's ARN wherever it takes the name. */
export function tableNameOf(nameOrArn: string): string {
  return nameOrArn.startsWith(PREFIX) ? (nameOrArn.slice(PREFIX.length).split('/')[0] ?? nameOrArn) : nameOrArn;
}
