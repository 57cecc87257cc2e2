import type { WireClient } from './wire-client.ts';

export const isBye = ({ type }: Record<string, unknown>): boolean => type === 'bye';

/** Frames under way at once, and so the most execution environments that see them. */
const IN_FLIGHT = 8;

/** Sends a frame again and again, a few at a time, until the connection closes. Returns the number of frames. */
export async function sendUntilClosed(client: WireClient, frame: object | string, most: number): Promise<number> {
  const answers = () => client.frames.filter((reply) => !isBye(reply)).length;
  let sent = 0;
  while (sent < most && client.socket.readyState === client.socket.OPEN) {
    const expected = answers() + IN_FLIGHT;
    for (let count = 0; count < IN_FLIGHT; count += 1) client.send(frame);
    sent += IN_FLIGHT;
    await Promise.race([client.frame(() => answers() >= expected), client.closed]);
  }
  return sent;
}
