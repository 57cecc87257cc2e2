import { randomUUID } from 'node:crypto';
import {
  AwsError,
  type AwsRequest,
  type AwsResponse,
  type AwsService,
  LOCAL_ACCOUNT,
  type Principal,
} from './service.ts';

/** The service `sts`: `GetCallerIdentity`, which needs no permission. */
export function createSts(): AwsService {
  return {
    name: 'sts',
    providers: [],
    async handle(request) {
      const action = parametersOf(request).get('Action') ?? '';
      if (action === 'GetCallerIdentity') return getCallerIdentity(request.principal);
      throw new AwsError('InvalidAction', `The STS action ${action} is not supported locally.`);
    },
    async close() {},
  };
}

function parametersOf(request: AwsRequest): URLSearchParams {
  return request.method === 'GET' ? request.query : new URLSearchParams(request.body.toString());
}

function getCallerIdentity(principal: Principal): AwsResponse {
  const { arn, userId } = identityOf(principal);
  const result = `<Arn>${escapeXml(arn)}</Arn><UserId>${escapeXml(userId)}</UserId><Account>${LOCAL_ACCOUNT}</Account>`;
  const requestId = randomUUID();
  return {
    statusCode: 200,
    headers: { 'content-type': 'text/xml', 'x-amzn-requestid': requestId },
    body:
      '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">' +
      `<GetCallerIdentityResult>${result}</GetCallerIdentityResult>` +
      `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></GetCallerIdentityResponse>`,
  };
}

function identityOf(principal: Principal): { readonly arn: string; readonly userId: string } {
  if (principal.kind === 'admin') return { arn: `arn:aws:iam::${LOCAL_ACCOUNT}:user/local`, userId: 'AIDALOCAL' };
  const roleName = principal.roleArn.split('/').at(-1) ?? '';
  const session = principal.sessionName;
  return { arn: `arn:aws:sts::${LOCAL_ACCOUNT}:assumed-role/${roleName}/${session}`, userId: `AROALOCAL:${session}` };
}

function escapeXml(text: string): string {
  return text.replace(/[<>&]/g, (character) => ({ '<': '&lt;', '>': '&gt;' })[character] ?? '&amp;');
}
