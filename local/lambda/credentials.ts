/** What a function signs its calls with. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

/** Lets `lambda.amazonaws.com` assume a role. Throws an `AwsError` when the role's trust policy does not allow it. */
export type IssueCredentials = (roleArn: string, sessionName: string) => Credentials;
