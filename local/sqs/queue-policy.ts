import * as v from 'valibot';
import { propertyError, readProperties } from '../resource-properties.ts';
import type { ResourceProvider } from '../service.ts';

const schema = v.object({
  PolicyDocument: v.looseObject({ Statement: v.array(v.looseObject({ Sid: v.optional(v.string()) })) }),
  Queues: v.array(v.string()),
});

const requiresTls = v.looseObject({
  Effect: v.literal('Deny'),
  Condition: v.strictObject({
    Bool: v.strictObject({ 'aws:SecureTransport': v.union([v.literal('false'), v.literal(false)]) }),
  }),
});

/**
 * `AWS::SQS::QueuePolicy` that only requires TLS (the CDK's `enforceSSL`): every call counts as TLS here. It refuses other
 * statements by name: only the policies of roles decide who may use a queue here.
 */
export const queuePolicyProvider: ResourceProvider = {
  type: 'AWS::SQS::QueuePolicy',
  properties: ['PolicyDocument', 'Queues'],
  create(resource) {
    const { PolicyDocument } = readProperties(resource, schema);
    for (const [index, statement] of PolicyDocument.Statement.entries()) {
      if (v.is(requiresTls, statement)) continue;
      const name = statement.Sid ?? `number ${index + 1}`;
      throw propertyError(
        resource,
        'PolicyDocument',
        `the statement ${name} is not supported locally: a queue's policy may only require TLS; give access in the policies of roles`,
      );
    }
    return { ref: resource.physicalName, attributes: { Id: resource.physicalName } };
  },
};
