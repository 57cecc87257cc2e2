import { createHash } from 'node:crypto';
import { LOCAL_ACCOUNT, LOCAL_REGION, type Provisioned, type Resource } from '../service.ts';

/** The form of references to a resource of one type that is left out. */
interface Shape {
  /** Default: the resource's name. */
  readonly ref?: (name: string, id: Id) => string;
  /** The part after the account in the ARN. Default: `kind/NAME`, the kind in lower case. */
  readonly path?: (name: string, id: Id) => string;
  /** Whether `Ref` gives the ARN. */
  readonly refIsArn?: boolean;
  readonly attributes?: (name: string, ref: string) => Readonly<Record<string, string>>;
}

/** Makes an id of this many characters, always the same for one resource. */
type Id = (length: number, alphabet?: string) => string;

const LOWER = 'abcdefghijklmnopqrstuvwxyz0123456789';
const HEX = '0123456789abcdef';

const prefixed =
  (prefix: string): NonNullable<Shape['ref']> =>
  (_, id) =>
    `${prefix}-${id(17, HEX)}`;

const api: Shape = {
  ref: (_, id) => id(10),
  attributes: (_, ref) => ({ ApiEndpoint: `https://${ref}.execute-api.${LOCAL_REGION}.amazonaws.com` }),
};

const SHAPES: ReadonlyMap<string, Shape> = new Map<string, Shape>([
  ['AWS::ApiGateway::RestApi', { ...api, path: (_, id) => `/restapis/${id(10)}` }],
  ['AWS::ApiGatewayV2::Api', api],
  ['AWS::Cognito::IdentityPool', { ref: (_, id) => `${LOCAL_REGION}:${uuid(id)}` }],
  [
    'AWS::Cognito::UserPool',
    {
      ref: (_, id) => `${LOCAL_REGION}_${id(9)}`,
      path: (_, id) => `userpool/${LOCAL_REGION}_${id(9)}`,
      attributes: (_, ref) => ({
        ProviderName: `cognito-idp.${LOCAL_REGION}.amazonaws.com/${ref}`,
        ProviderURL: `https://cognito-idp.${LOCAL_REGION}.amazonaws.com/${ref}`,
      }),
    },
  ],
  ['AWS::Cognito::UserPoolClient', { ref: (_, id) => id(26) }],
  ['AWS::EC2::SecurityGroup', { ref: prefixed('sg') }],
  ['AWS::EC2::Subnet', { ref: prefixed('subnet') }],
  ['AWS::EC2::VPC', { ref: prefixed('vpc') }],
  ['AWS::Lambda::LayerVersion', { refIsArn: true, path: (name) => `layer:${name}:1` }],
  [
    'AWS::S3::Bucket',
    {
      ref: (name) => name.toLowerCase(),
      attributes: (name) => ({
        Arn: `arn:aws:s3:::${name.toLowerCase()}`,
        DomainName: `${name.toLowerCase()}.s3.amazonaws.com`,
        RegionalDomainName: `${name.toLowerCase()}.s3.${LOCAL_REGION}.amazonaws.com`,
        WebsiteURL: `http://${name.toLowerCase()}.s3-website-${LOCAL_REGION}.amazonaws.com`,
      }),
    },
  ],
  ['AWS::SNS::Topic', { refIsArn: true, path: (name) => name }],
  [
    'AWS::SQS::Queue',
    { ref: (name) => `https://sqs.${LOCAL_REGION}.amazonaws.com/${LOCAL_ACCOUNT}/${name}`, path: (name) => name },
  ],
  ['AWS::StepFunctions::StateMachine', { refIsArn: true, path: (name) => `stateMachine:${name}` }],
]);

/**
 * Makes a plausible `Ref` and plausible attributes for a resource that is left out. They name nothing, but have the form
 * that code expects, and are the same after a restart.
 */
export function standIn(resource: Resource): Provisioned {
  const [, service = '', kind = ''] = resource.type.split('::');
  const shape = SHAPES.get(resource.type) ?? {};
  const name = nameOf(resource, kind);
  const id = idOf(resource.physicalName);
  // IAM's ARNs have no region.
  const region = service === 'IAM' ? '' : LOCAL_REGION;
  const path = shape.path?.(name, id) ?? `${kind.toLowerCase()}/${name}`;
  const arn = `arn:aws:${arnService(service)}:${region}:${LOCAL_ACCOUNT}:${path}`;
  const ref = shape.refIsArn ? arn : (shape.ref?.(name, id) ?? name);
  const attributes = { Arn: arn, ...shape.attributes?.(name, ref) };
  const otherAttribute = (attribute: string) => {
    if (attribute.endsWith('Arn')) return arn;
    if (attribute.endsWith('Name')) return name;
    if (/(?:Url|URL|Endpoint)$/.test(attribute)) return `https://${name}.${service.toLowerCase()}.amazonaws.com`;
    if (attribute.endsWith('Domain')) return `${name}.${service.toLowerCase()}.amazonaws.com`;
    return ref;
  };
  return { ref, attributes, otherAttribute };
}

/** Returns the name in the template: the property with the name of the type, or `Name`. */
function nameOf({ properties, physicalName }: Resource, kind: string): string {
  const given = properties[`${kind}Name`] ?? properties['Name'];
  return typeof given === 'string' ? given : physicalName;
}

/** Services with another name in ARNs. */
const ARN_SERVICES: Readonly<Record<string, string>> = {
  ApiGatewayV2: 'apigateway',
  CertificateManager: 'acm',
  Cognito: 'cognito-idp',
  KinesisFirehose: 'firehose',
  StepFunctions: 'states',
};

function arnService(service: string): string {
  return ARN_SERVICES[service] ?? service.toLowerCase();
}

function idOf(physicalName: string): Id {
  const bytes = createHash('sha256').update(physicalName).digest();
  return (length, alphabet = LOWER) =>
    Array.from(bytes.subarray(0, length), (byte) => alphabet[byte % alphabet.length]).join('');
}

function uuid(id: Id): string {
  return id(32, HEX).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
