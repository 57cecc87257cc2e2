import { expect, test } from 'vitest';
import { DEFAULT_SIZE_LIMITS, TARIFF } from '../../../../protocol/index.ts';
import type { GateOptions } from '../../../../server/gate/gate.ts';
import type { Send } from '../../../../server/sending/send.ts';
import { createSendMessage } from '../../../../server/sending/send-message.ts';

const origins: unknown[] = [];
const charged: GateOptions[] = [];
const send: Send = async (origin, inputs) => {
  origins.push(origin);
  const connections = { sent: 1, gone: 0, failed: 0 };
  return {
    ok: true,
    value: inputs.map(({ id = 'minted' }) => ({ id, serial: 'S1', status: 'sent', connections, users: [] })),
  };
};
const sendMessage = createSendMessage({
  send,
  admit: async (_, options = {}) => {
    charged.push(options);
    return { ok: true, value: { tokenExpiresAt: 0, capability: {} } };
  },
  limits: DEFAULT_SIZE_LIMITS,
  tariff: TARIFF,
});
const alice = { connectionId: 'c1=', userId: 'alice', capability: {} };
const message = { to: { user: 'bob' }, data: 1, echo: false };

test('one message is charged as one, and sent in the name of the connection', async () => {
  expect(await sendMessage(alice, { action: 'sendMessage', id: 'm1', ...message })).toMatchObject({
    ok: true,
    value: { type: 'ack', results: [{ id: 'm1', status: 'sent' }] },
  });
  expect([origins.at(-1), charged.at(-1)]).toEqual([{ from: { user: 'alice' }, connectionId: 'c1=' }, { cost: 1 }]);
});

test('when API Gateway received the frame is passed on', async () => {
  await sendMessage(alice, { action: 'sendMessage', ...message }, 1_800_000_000_000);
  expect(origins.at(-1)).toEqual({ from: { user: 'alice' }, connectionId: 'c1=', receivedAt: 1_800_000_000_000 });
});

test('each message of a batch is charged, and has a problem of its own', async () => {
  const messages = [message, { to: 'bob', id: 'm2' }, message];
  const { value } = (await sendMessage(alice, { action: 'sendMessage', messages })) as { value?: unknown };
  expect(value).toMatchObject({
    type: 'ack',
    results: [{ status: 'sent' }, { id: 'm2', error: { code: 'invalid_frame' } }, { status: 'sent' }],
  });
  expect(charged.at(-1)).toEqual({ cost: 3 });
});

test('a problem of the only message is the frame’s', async () => {
  const data = 'x'.repeat(DEFAULT_SIZE_LIMITS.maxDataBytes);
  expect(await sendMessage(alice, { action: 'sendMessage', ...message, data })).toMatchObject({
    ok: false,
    problem: { code: 'message_too_large' },
  });
});
