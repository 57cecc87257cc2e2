import type { Message, Shown } from '../../protocol/index.ts';
import { MAX_SHOWN_BYTES, MAX_SHOWN_MESSAGES } from '../../protocol/limits.ts';
import { utf8Length } from '../../protocol/utf8.ts';

/**
 * Lists the messages of these keys, as many of the first as a frame may name.
 * @param keys As the memory of the messages that were handed over makes them.
 */
export function groupBySender(keys: readonly string[]): readonly Shown[] {
  const idsBySender = new Map<string, string[]>();
  const groups: Shown[] = [];
  let bytes = 2;
  for (const key of keys.slice(0, MAX_SHOWN_MESSAGES)) {
    const [kind = '', id = ''] = key.split(' ', 2);
    const sender = key.slice(kind.length + id.length + 2);
    const from = { [kind]: sender } as Message['from'];
    const ids = idsBySender.get(kind + sender);
    // With the comma before it.
    bytes += 1 + utf8Length(JSON.stringify(ids ? id : { from, ids: [id] }));
    if (bytes > MAX_SHOWN_BYTES) break;
    if (ids) ids.push(id);
    else {
      const group = { from, ids: [id] };
      idsBySender.set(kind + sender, group.ids);
      groups.push(group);
    }
  }
  return groups;
}
