import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { AwsError, AwsResponse, AwsService } from '../service.ts';

type Serialize = (error: AwsError) => AwsResponse;

/** JSON protocols name the error in the body (smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html). */
const json =
  (version: '1.0' | '1.1'): Serialize =>
  ({ code, message, statusCode }) => ({
    // REST services answer 403. These answer 400, as to all mistakes of the caller.
    statusCode: statusCode === 403 ? 400 : statusCode,
    headers: { 'content-type': `application/x-amz-json-${version}`, ...errorHeaders(code) },
    body: JSON.stringify({ __type: code, message }),
  });

/** REST-JSON names it in a header (smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html). */
const restJson: Serialize = ({ code, message, statusCode }) => ({
  statusCode,
  headers: { 'content-type': 'application/json', ...errorHeaders(code) },
  body: JSON.stringify({ message }),
});

/** The query protocol answers in XML (smithy.io/2.0/aws/protocols/aws-query-protocol.html). */
const query: Serialize = ({ code, message, statusCode }) => {
  const type = statusCode < 500 ? 'Sender' : 'Receiver';
  const error = `<Error><Type>${type}</Type><Code>${escapeXml(code)}</Code><Message>${escapeXml(message)}</Message></Error>`;
  const requestId = randomUUID();
  return {
    statusCode,
    headers: { 'content-type': 'text/xml', 'x-amzn-requestid': requestId },
    body: `<ErrorResponse>${error}<RequestId>${requestId}</RequestId></ErrorResponse>`,
  };
};

/** S3 and the like answer in XML without the envelope (smithy.io/2.0/aws/protocols/aws-restxml-protocol.html). */
const restXml: Serialize = ({ code, message, statusCode }) => ({
  statusCode,
  headers: { 'content-type': 'application/xml', 'x-amzn-requestid': randomUUID() },
  body: `<Error><Code>${escapeXml(code)}</Code><Message>${escapeXml(message)}</Message></Error>`,
});

/** Services with that protocol. Their requests do not show it. */
const REST_XML = /(?:^|[./])(?:s3|s3-control|route53|cloudfront)[./]/;

/** Returns the answer of an unknown service, in the protocol of the request. */
export function unknownServiceResponse({ headers }: Pick<IncomingMessage, 'headers'>, error: AwsError): AwsResponse {
  const type = headers['content-type'] ?? '';
  if (headers['x-amz-target'] !== undefined) return json(type.endsWith('1.0') ? '1.0' : '1.1')(error);
  if (type.startsWith('application/x-www-form-urlencoded')) return query(error);
  return REST_XML.test(`${headers.host} ${headers.authorization}`) ? restXml(error) : restJson(error);
}

const PROTOCOLS: ReadonlyMap<string, Serialize> = new Map<AwsService['name'], Serialize>([
  ['dynamodb', json('1.0')],
  ['sqs', json('1.0')],
  ['events', json('1.1')],
  ['secretsmanager', json('1.1')],
  ['ssm', json('1.1')],
  ['lambda', restJson],
  ['execute-api', restJson],
  ['sts', query],
]);

/** Returns the answer that an SDK client of `service` understands as `error`. */
export function errorResponse(service: string, error: AwsError): AwsResponse {
  return (PROTOCOLS.get(service) ?? restJson)(error);
}

function errorHeaders(code: string): Record<string, string> {
  return { 'x-amzn-errortype': code, 'x-amzn-requestid': randomUUID() };
}

function escapeXml(text: string): string {
  const entities: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;' };
  return text.replace(/[<>&"]/g, (char) => entities[char] ?? char);
}
