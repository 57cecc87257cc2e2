import type { Storage } from '../dynamodb/builtin/storage.ts';
import type { Message } from './message.ts';

/** The durable store of one queue's messages. */
export interface MessageStore {
  /** Returns the messages in the order of sending. */
  load(): Promise<Message[]>;
  /** After it has resolved, the changes survive the death of the process. */
  put(messages: readonly Message[]): Promise<void>;
  delete(messageIds: readonly string[]): Promise<void>;
}

export function createMessageStore(storage: Storage, queueName: string): MessageStore {
  const keyOf = (messageId: string) => `${queueName}/${messageId}`;
  return {
    async load() {
      const messages: Message[] = [];
      // "0" is the character after "/".
      for await (const message of storage.values({ gt: `${queueName}/`, lt: `${queueName}0` })) messages.push(message);
      return messages.sort((a, b) => a.sentAt - b.sentAt);
    },
    put: (messages) =>
      storage.commit(messages.map((message) => ({ type: 'put', key: keyOf(message.id), value: message }))),
    delete: (messageIds) => storage.commit(messageIds.map((id) => ({ type: 'del', key: keyOf(id) }))),
  };
}
