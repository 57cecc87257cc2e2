/** The credentials that sign a function's calls. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

/** Lets `lambda.amazonaws.com` assume a role. @throws AwsError if the role's trust policy does not allow it */
export type IssueCredentials = (roleArn: string, sessionName: string) => Credentials;
