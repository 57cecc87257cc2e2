import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { CfnAccount } from 'aws-cdk-lib/aws-apigateway';
import {
  ApiMapping,
  type CfnStage,
  DomainName,
  SecurityPolicy,
  WebSocketApi,
  type WebSocketRouteOptions,
  WebSocketStage,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { WebSocketLambdaAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { WebSocketLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { type IGrantable, ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { ARecord, HostedZone, RecordTarget } from 'aws-cdk-lib/aws-route53';
import { ApiGatewayv2DomainProperties } from 'aws-cdk-lib/aws-route53-targets';
import { Construct } from 'constructs';
import { acceptFinding } from './accept-finding.ts';
import type { CustomDomain } from './beckon-props.ts';
import { Log, type LogProps } from './log.ts';

/** The fields of the access log. They contain no header, no query and no body. */
const ACCESS_LOG_FORMAT = JSON.stringify({
  requestId: '$context.requestId',
  connectionId: '$context.connectionId',
  eventType: '$context.eventType',
  routeKey: '$context.routeKey',
  status: '$context.status',
  requestTimeEpoch: '$context.requestTimeEpoch',
  integrationLatency: '$context.integrationLatency',
  integrationStatus: '$context.integration.status',
  authorizerStatus: '$context.authorizer.status',
});

export interface GatewayProps extends LogProps {
  /** The last part of the WebSocket URL. */
  readonly stageName: string;
  /** The stage's average limit, in events per second. */
  readonly throttleRateLimit: number;
  /** The stage's burst limit, in events. */
  readonly throttleBurstLimit: number;
  /** @default - clients connect to the API's own address */
  readonly domain?: CustomDomain | undefined;
  /** Whether this stack sets the role with which API Gateway writes logs. An account has one for each region. */
  readonly manageAccountLogRole: boolean;
}

/** A WebSocket API with one stage, a throttle and an access log. Callers add the routes. */
export class Gateway extends Construct {
  /** `wss://{apiId}.execute-api.{region}.amazonaws.com/{stage}`, or `wss://{domainName}` */
  readonly webSocketUrl: string;
  /**
   * The endpoint of the Management API: `https://{apiId}.execute-api.{region}.amazonaws.com/{stage}`. It does not use a domain of
   * your own, because the domain may change while connections and their mappings live.
   */
  readonly callbackUrl: string;
  readonly domain: DomainName | undefined;
  readonly #api: WebSocketApi;
  readonly #stage: WebSocketStage;

  constructor(scope: Construct, id: string, props: GatewayProps) {
    super(scope, id);
    const { throttleRateLimit, throttleBurstLimit, domain } = props;
    const logGroup = new Log(this, 'AccessLog', props);
    this.#api = new WebSocketApi(this, 'Api', { routeSelectionExpression: '$request.body.action' });
    this.#stage = new WebSocketStage(this, 'Stage', {
      webSocketApi: this.#api,
      stageName: props.stageName,
      autoDeploy: true,
      throttle: { rateLimit: throttleRateLimit, burstLimit: throttleBurstLimit },
      detailedMetricsEnabled: true,
    });
    // Older releases of the CDK accept `accessLogSettings` in the props of a WebSocket stage, and drop it.
    const resource = this.#stage.node.defaultChild as CfnStage;
    resource.accessLogSettings = { destinationArn: logGroup.logGroupArn, format: ACCESS_LOG_FORMAT };
    if (props.manageAccountLogRole) this.#stage.node.addDependency(this.#accountLogRole());
    this.domain = domain && this.#addDomain(domain);
    this.webSocketUrl = domain ? `wss://${domain.domainName}` : this.#stage.url;
    this.callbackUrl = this.#stage.callbackUrl;
  }

  #addDomain({ domainName, certificate, hostedZone }: CustomDomain): DomainName {
    const domain = new DomainName(this, 'Domain', {
      domainName,
      certificate: Certificate.fromCertificateArn(this, 'Certificate', certificate.certificateArn),
      securityPolicy: SecurityPolicy.TLS_1_2,
    });
    new ApiMapping(this, 'Mapping', { api: this.#api, stage: this.#stage, domainName: domain });
    if (hostedZone) {
      const { regionalDomainName, regionalHostedZoneId } = domain;
      const target = RecordTarget.fromAlias(new ApiGatewayv2DomainProperties(regionalDomainName, regionalHostedZoneId));
      // The dot at the end marks the name as complete. Without it Route 53 appends the zone.
      const { hostedZoneId, zoneName } = hostedZone;
      const zone = HostedZone.fromHostedZoneAttributes(this, 'Zone', { hostedZoneId, zoneName });
      new ARecord(this, 'Record', { zone, recordName: `${domainName}.`, target });
    }
    return domain;
  }

  /**
   * Adds `$connect`. `authorizer` decides who may connect. It has no identity source, because two headers can carry the
   * token.
   */
  addConnectRoute(handler: IFunction, authorizer: IFunction): void {
    this.#api.addRoute('$connect', {
      integration: new WebSocketLambdaIntegration('connect', handler),
      authorizer: new WebSocketLambdaAuthorizer('authorize', authorizer, { identitySource: [] }),
    });
  }

  /** Invokes `handler` after a connection has closed. */
  addDisconnectRoute(handler: IFunction): void {
    this.#addOpenRoute('$disconnect', { integration: new WebSocketLambdaIntegration('disconnect', handler) });
  }

  /** Invokes `handler` for frames whose `action` is `routeKey`, and sends its result to the client. */
  addMessageRoute(routeKey: string, handler: IFunction): void {
    const integration = new WebSocketLambdaIntegration(handler.node.id, handler);
    this.#addOpenRoute(routeKey, { integration, returnResponse: true });
  }

  #addOpenRoute(routeKey: string, options: WebSocketRouteOptions): void {
    const route = this.#api.addRoute(routeKey, options);
    acceptFinding(route.node.findChild('Resource'), {
      rule: 'AwsSolutions-APIG4',
      reason: 'API Gateway authorizes a WebSocket connection once, at $connect. No other route can have an authorizer.',
    });
  }

  /** Allows `grantee` to post to the connections of this API. */
  grantPost(grantee: IGrantable): void {
    this.#grantManage(grantee, 'POST');
  }

  /** Allows `grantee` to close connections of this API. */
  grantClose(grantee: IGrantable): void {
    this.#grantManage(grantee, 'DELETE');
  }

  #grantManage(grantee: IGrantable, method: 'POST' | 'DELETE'): void {
    const resource = `${this.#api.apiId}/${this.#stage.stageName}/${method}/@connections/*`;
    const arn = Stack.of(this).formatArn({ service: 'execute-api', resource });
    const statement = new PolicyStatement({ actions: ['execute-api:ManageConnections'], resources: [arn] });
    const { grantPrincipal } = grantee;
    grantPrincipal.addToPrincipalPolicy(statement);
    const policy = Construct.isConstruct(grantPrincipal)
      ? grantPrincipal.node.tryFindChild('DefaultPolicy')
      : undefined;
    if (!policy) return;
    acceptFinding(policy, {
      rule: 'AwsSolutions-IAM5',
      about: { kind: 'Resource', value: arn },
      reason: `The ids of connections change all the time: every connection of this stage, for ${method} alone.`,
    });
  }

  /** API Gateway writes no log without this role. It outlives the stack, because the logs of other stacks depend on it. */
  #accountLogRole(): Construct {
    const policy = ManagedPolicy.fromAwsManagedPolicyName('service-role/AmazonAPIGatewayPushToCloudWatchLogs');
    const role = new Role(this, 'LogRole', {
      assumedBy: new ServicePrincipal('apigateway.amazonaws.com'),
      managedPolicies: [policy],
    });
    acceptFinding(role, {
      rule: 'AwsSolutions-IAM4',
      about: { kind: 'Policy', value: policy.managedPolicyArn },
      reason: 'The role serves every API of the account and region. AWS documents this policy for it.',
    });
    role.applyRemovalPolicy(RemovalPolicy.RETAIN);
    const account = new CfnAccount(this, 'Account', { cloudWatchRoleArn: role.roleArn });
    account.applyRemovalPolicy(RemovalPolicy.RETAIN);
    return account;
  }
}
