import type { Core } from '../../client/core.ts';
import { createPart } from '../../client/encoding/encoding.ts';
import { type EncodedData, prepareData } from '../../client/sending/data.ts';
import type { Message } from '../../protocol/index.ts';

/** Encodes data as the client sends it. */
export async function encodeData(data: unknown, compress = true): Promise<EncodedData> {
  return prepareData(data, compress, async () => createPart({ options: { compress } } as Core))();
}

/** Decodes messages as the client hands them on. */
export function decodeMessages(messages: readonly Message[]): Promise<readonly Message[]> {
  return createPart({} as Core).decode(messages);
}
