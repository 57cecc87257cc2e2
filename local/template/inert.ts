import { createHash } from 'node:crypto';
import { LOCAL_ACCOUNT, LOCAL_REGION, type Provisioned, type Resource } from '../service.ts';

type CreateInert = (resource: Resource) => Provisioned;

/** A type with a name, and without attributes. */
const named =
  (property: string): CreateInert =>
  (resource) => ({ ref: nameOf(resource, property), attributes: {} });

const withArn =
  (property: string, service: string, path: string, suffix = ''): CreateInert =>
  (resource) => {
    const name = nameOf(resource, property);
    return { ref: name, attributes: { Arn: `${arn(service)}:${path}${name}${suffix}` } };
  };

/** An application that may use its key cannot observe encryption at rest. */
const kmsKey: CreateInert = (resource) => {
  const hex = createHash('sha256').update(resource.physicalName).digest('hex');
  const keyId = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
  return { ref: keyId, attributes: { Arn: `${arn('kms')}:key/${keyId}`, KeyId: keyId } };
};

/** The CDK's own function, which sets the retention of a log group. */
const logRetention: CreateInert = (resource) => {
  const { ref, attributes } = withArn('LogGroupName', 'logs', 'log-group:', ':*')(resource);
  return { ref, attributes: { ...attributes, LogGroupName: ref } };
};

/**
 * Resource types without an effect that an application could observe on one machine. The local cloud does not create them,
 * and accepts all their properties. Their `Ref` and these attributes work, so policies and settings can name them.
 */
export const INERT_TYPES: ReadonlyMap<string, CreateInert> = new Map([
  ['AWS::ApiGateway::Account', named('Id')],
  ['AWS::ApplicationAutoScaling::ScalableTarget', named('Id')],
  ['AWS::ApplicationAutoScaling::ScalingPolicy', withArn('PolicyName', 'autoscaling', 'scalingPolicy:')],
  ['AWS::Budgets::Budget', named('Id')],
  ['AWS::CDK::Metadata', named('Id')],
  ['AWS::CloudFormation::WaitConditionHandle', named('Id')],
  ['AWS::CloudWatch::Alarm', withArn('AlarmName', 'cloudwatch', 'alarm:')],
  ['AWS::CloudWatch::CompositeAlarm', withArn('AlarmName', 'cloudwatch', 'alarm:')],
  ['AWS::CloudWatch::Dashboard', named('DashboardName')],
  ['AWS::CodeDeploy::Application', named('ApplicationName')],
  ['AWS::CodeDeploy::DeploymentConfig', named('DeploymentConfigName')],
  ['AWS::CodeDeploy::DeploymentGroup', named('DeploymentGroupName')],
  ['AWS::KMS::Alias', named('AliasName')],
  ['AWS::KMS::Key', kmsKey],
  ['AWS::Logs::LogGroup', withArn('LogGroupName', 'logs', 'log-group:', ':*')],
  ['AWS::Logs::LogStream', named('LogStreamName')],
  ['AWS::Logs::MetricFilter', named('FilterName')],
  ['AWS::Logs::QueryDefinition', named('Name')],
  ['AWS::ResourceGroups::Group', withArn('Name', 'resource-groups', 'group/')],
  ['Custom::LogRetention', logRetention],
]);

function nameOf(resource: Resource, property: string): string {
  const name = resource.properties[property];
  return typeof name === 'string' ? name : resource.physicalName;
}

function arn(service: string): string {
  return `arn:aws:${service}:${LOCAL_REGION}:${LOCAL_ACCOUNT}`;
}
