import { connectClient, type TestClient, type TestClientOptions } from './ws-client.ts';

type Frame = Record<string, unknown>;

/** A client that sends and receives raw frames of Beckon's protocol. */
export interface WireClient extends TestClient {
  /** Every frame received so far. */
  readonly frames: readonly Frame[];
  /** Resolves with the first frame that matches, among the received ones and later ones. */
  frame(matches: (frame: Frame) => boolean): Promise<Frame>;
  /** Sends a frame with a fresh id. Resolves with the reply. */
  ask(frame: Frame): Promise<Frame>;
}

/** Opens a connection. Rejects as `ws` does when the server refuses the handshake. */
export async function connectWire(url: string, options?: TestClientOptions): Promise<WireClient> {
  const client = connectClient(url, options);
  const frames: Frame[] = [];
  const waiting = new Set<() => void>();
  client.socket.on('message', (data) => {
    frames.push(JSON.parse(data.toString()));
    for (const look of waiting) look();
  });
  const frame = (matches: (frame: Frame) => boolean): Promise<Frame> =>
    new Promise((resolve) => {
      const look = () => {
        const found = frames.find(matches);
        if (!found) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  let asked = 0;
  const ask = (question: Frame): Promise<Frame> => {
    asked += 1;
    const id = `ask-${asked}`;
    client.send({ ...question, id });
    return frame((reply) => reply['id'] === id);
  };
  const refused = client.refused.then(({ statusCode }) => {
    throw new Error(`Unexpected server response: ${statusCode}`);
  });
  await Promise.race([client.opened, refused]);
  refused.catch(() => undefined);
  return { ...client, frames, frame, ask };
}
