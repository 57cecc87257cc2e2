import type { Client, Json } from '../../client/index.ts';

/** What the page sends. */
export type ChatMessage = { readonly text: string } | { readonly typing: boolean };

/** What arrives may be anything: other senders have their own ideas. */
export type ChatClient = Client<Json, ChatMessage>;

/** What the page makes of what arrived: what is no text of ours is shown as it is. */
export function readMessage(data: Json): ChatMessage {
  if (typeof data === 'object' && data !== null) {
    if ('text' in data && typeof data['text'] === 'string') return { text: data['text'] };
    if ('typing' in data && typeof data['typing'] === 'boolean') return { typing: data['typing'] };
  }
  return { text: typeof data === 'string' ? data : JSON.stringify(data, null, 2) };
}
