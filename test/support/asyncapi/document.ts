import { readFileSync } from 'node:fs';
import { type Action, CLIENT_FRAMES, type Pushes, type ServerFrame, SUBPROTOCOL } from '../../../protocol/index.ts';
import { PROTOCOL_DOCUMENT, readExamples } from '../protocol-document.ts';
import { describeFields, type FieldTables, readFieldTables } from './field-tables.ts';
import { clientSchemas, commonSchemas, open, replyTypes, serverSchemas } from './json-schemas.ts';

/** The frames that the server sends without a request. */
const PUSHES = {
  messages: 'Messages for the user, or to a room that the connection is in.',
  presence: 'Somebody whose presence is watched has come or gone.',
  receipt: "How far the user's messages have come with somebody.",
  marker: 'How far another device of the user has read a conversation.',
  bye: 'The server is about to close the connection.',
} as const satisfies Record<keyof Pushes, string>;

type ServerType = ServerFrame['type'];

/** The number of examples of each message. */
const MAX_EXAMPLES = 2;

/** Names a message of the server. Some of their types share a name with an action. */
export function nameOf(type: ServerType): string {
  return type in PUSHES && type !== 'presence' ? `${type}Push` : `${type}Reply`;
}

/** Builds the AsyncAPI document of the wire: schemas from the code, texts and examples from docs/protocol.md. */
export function createAsyncApi() {
  const text = readFileSync(PROTOCOL_DOCUMENT, 'utf8');
  const tables = readFieldTables(text);
  const messages = { ...clientMessages(text, tables), ...serverMessages(text, tables), serviceError: SERVICE_ERROR };
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Beckon',
      version: SUBPROTOCOL.replace(/^.*\./, ''),
      description:
        'Sends messages to connected users over WebSocket. docs/protocol.md says what to do with these frames, and in which order: this document is generated from it and from the code. Lengths of texts are in UTF-16 code units there, and in code points here, so a schema may let through what the server refuses.',
      license: { name: 'MIT' },
    },
    defaultContentType: 'application/json',
    servers: { production: SERVER },
    channels: {
      connection: {
        address: '/',
        summary: 'The connection of one device of one user.',
        messages: Object.fromEntries(Object.keys(messages).map((name) => [name, ref('components', 'messages', name)])),
        bindings: { ws: HANDSHAKE },
      },
    },
    operations: { ...actions(text), ...pushes() },
    components: {
      messages,
      schemas: Object.fromEntries(
        Object.entries(commonSchemas()).map(([name, schema]) => [
          name,
          name === 'messageInput'
            ? describeFields(schema, tables.get('sendMessage'))
            : open(describeFields(schema, tables.get(name))),
        ]),
      ),
      securitySchemes: SECURITY_SCHEMES,
      correlationIds: {
        id: { description: 'Comes back in the reply.', location: '$message.payload#/id' },
      },
    },
  };
}

const SERVER = {
  host: '{apiId}.execute-api.{region}.amazonaws.com',
  pathname: '/{stage}',
  protocol: 'wss',
  description: 'The output WebSocketUrl of the stack, or a domain name of the operator’s.',
  variables: {
    apiId: { description: 'The id of the WebSocket API.' },
    region: { description: 'Where it is deployed.', examples: ['us-east-1'] },
    stage: { default: 'prod', description: 'The stage of the API.' },
  },
  security: [ref('components', 'securitySchemes', 'subprotocol'), ref('components', 'securitySchemes', 'bearer')],
};

const SECURITY_SCHEMES = {
  subprotocol: {
    type: 'httpApiKey',
    in: 'header',
    name: 'Sec-WebSocket-Protocol',
    description: `For browsers, which cannot set headers: the subprotocols ${SUBPROTOCOL} and bearer.<JWT>.`,
  },
  bearer: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'In place of the subprotocol with the token. Not both.',
  },
};

const HANDSHAKE = {
  method: 'GET',
  headers: {
    type: 'object',
    properties: {
      'Sec-WebSocket-Protocol': {
        type: 'string',
        description: `${SUBPROTOCOL}, and with it bearer.<JWT> unless there is the header Authorization.`,
      },
      Authorization: { type: 'string', description: 'Bearer <JWT>' },
    },
  },
  bindingVersion: '0.1.0',
};

const SERVICE_ERROR = {
  name: 'serviceError',
  summary:
    'API Gateway itself says that a function failed, or that the stage is asked too much. Does not say of which frame.',
  payload: {
    type: 'object',
    properties: {
      message: { type: 'string' },
      connectionId: { type: 'string' },
      requestId: { type: 'string' },
    },
    required: ['message', 'connectionId', 'requestId'],
  },
};

const CORRELATION = { correlationId: ref('components', 'correlationIds', 'id') };

function clientMessages(text: string, tables: FieldTables) {
  const schemas = clientSchemas();
  const sent = readExamples(text).flatMap((example) => {
    const isGood = example.kind === 'sends' && !example.isWrong && !example.flood && example.frame !== undefined;
    return isGood ? [example.frame] : [];
  });
  return Object.fromEntries(
    actionNames().map((action) => {
      const examples = sent.filter((frame) => frame['action'] === action);
      return [
        action,
        {
          name: action,
          ...CORRELATION,
          payload: describeFields(schemas[action], tables.get(action)),
          ...shown(examples),
        },
      ];
    }),
  );
}

function serverMessages(text: string, tables: FieldTables) {
  const got = readExamples(text).flatMap((example) => (example.kind === 'gets' ? [example.frame] : []));
  return Object.fromEntries(
    Object.entries(serverSchemas()).map(([type, schema]) => {
      const fields = tables.get(type in CLIENT_FRAMES ? `reply ${type}` : type);
      const examples = got.filter((frame) => frame['type'] === type);
      const name = nameOf(type as ServerType);
      return [
        name,
        {
          name,
          ...(name.endsWith('Reply') && CORRELATION),
          payload: open(describeFields(schema, fields)),
          ...shown(examples),
        },
      ];
    }),
  );
}

function actions(text: string) {
  const types = replyTypes();
  return Object.fromEntries(
    actionNames().map((action) => [
      action,
      {
        action: 'receive',
        channel: ref('channels', 'connection'),
        summary: summaryOf(text, action),
        messages: [ofConnection(action)],
        reply: {
          channel: ref('channels', 'connection'),
          messages: [types[action], 'error' as const].map((type) => ofConnection(nameOf(type))),
        },
      },
    ]),
  );
}

function pushes() {
  const told = Object.entries(PUSHES).map(([type, summary]) => [
    `push${type.charAt(0).toUpperCase()}${type.slice(1)}`,
    push(nameOf(type as ServerType), summary),
  ]);
  return { ...Object.fromEntries(told), pushServiceError: push('serviceError', SERVICE_ERROR.summary) };
}

function push(name: string, summary: string) {
  return { action: 'send', channel: ref('channels', 'connection'), summary, messages: [ofConnection(name)] };
}

/** Returns the first sentence of an action's section. */
function summaryOf(text: string, action: Action): string {
  const section = new RegExp(`^### ${action}\n\n(?<summary>.+?\\.)(?=\\s)`, 'ms').exec(text);
  const summary = section?.groups?.['summary'];
  if (summary === undefined) throw new Error(`docs/protocol.md has no section "${action}"`);
  return summary.replaceAll('\n', ' ').replaceAll(/\[([^\]]+)\]\([^)]*\)/g, '$1');
}

function shown(examples: readonly unknown[]) {
  return { examples: examples.slice(0, MAX_EXAMPLES).map((payload) => ({ payload })) };
}

function actionNames(): readonly Action[] {
  return Object.keys(CLIENT_FRAMES) as Action[];
}

function ofConnection(message: string) {
  return ref('channels', 'connection', 'messages', message);
}

function ref(...path: readonly string[]) {
  return { $ref: `#/${path.join('/')}` };
}
