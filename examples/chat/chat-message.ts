import type { Client, Json } from '../../client/index.ts';

/** A message that the page sends. */
export type ChatMessage = { readonly text: string } | { readonly typing: boolean };

/** The client of the page. Incoming data may be any JSON, because other senders may use other forms. */
export type ChatClient = Client<Json, ChatMessage>;

/** Reads an incoming message. Data of another form becomes text as it is. */
export function readMessage(data: Json): ChatMessage {
  if (typeof data === 'object' && data !== null) {
    if ('text' in data && typeof data['text'] === 'string') return { text: data['text'] };
    if ('typing' in data && typeof data['typing'] === 'boolean') return { typing: data['typing'] };
  }
  return { text: typeof data === 'string' ? data : JSON.stringify(data, null, 2) };
}
