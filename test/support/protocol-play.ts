import type { LocalCloud } from '../../local/index.ts';
import { createManageClient, type InvokeManage } from '../../server/aws/manage-client.ts';
import { eventually } from './eventually.ts';
import { rawHandshake } from './handshake.ts';
import { adminClient } from './local-cloud.ts';
import { createMintedValues, type MintedValues } from './minted-values.ts';
import type { Example, SentExample } from './protocol-document.ts';
import { connectWire, type WireClient } from './wire-client.ts';

type Frame = Record<string, unknown>;
type Of<K extends Example['kind']> = Extract<Example, { readonly kind: K }>;

/** A device of a user: `bob`, or another device of bob, `bob/phone`. */
interface Device {
  readonly client: WireClient;
  /** The received frames that the document has shown. */
  readonly shown: Set<Frame>;
  /** Whether the document need not show all its frames. */
  isFlooded?: true;
}

/** Plays a document: performs its examples in order against a local cloud, and compares what happens. */
export interface Play {
  /** Performs the examples. Rejects with the line of the first wrong example. */
  perform(examples: readonly Example[]): Promise<void>;
  /** The received frames that the document does not show. */
  unshown(): readonly Frame[];
  readonly values: MintedValues;
  close(): void;
}

const JWT = /^eyJ/;

export function createPlay(cloud: LocalCloud): Play {
  const devices = new Map<string, Device>();
  const values = createMintedValues();
  let capability: Frame | undefined;
  let answer: Promise<string> | undefined;

  const token = (user: string, more = {}) => cloud.token({ sub: user, ...(capability && { capability }), ...more });

  /** Returns a device. Opens it at its first mention, as a browser does. */
  async function deviceOf(name: string): Promise<Device> {
    const known = devices.get(name);
    if (known) return known;
    const protocols = ['beckon.v1', `bearer.${await token(userOf(name))}`];
    const device = { client: await connectWire(cloud.websocketUrl, { protocols }), shown: new Set<Frame>() };
    devices.set(name, device);
    return device;
  }

  async function send(example: SentExample, device: Device): Promise<void> {
    const { frame, flood, isWrong } = example;
    if (!frame) return device.client.send(example.text.trimEnd());
    values.addChosen(frame);
    const { value, unknown } = values.realize(frame);
    if (unknown.length > 0 && !isWrong) throw new Error(`no frame has brought ${unknown.join()} yet`);
    const real = value as Frame;
    if (JWT.test(String(real['token']))) real['token'] = await token(userOf(example.device));
    if (!flood) return device.client.send(real);
    const [message] = real['messages'] as unknown[];
    const messages = Array.from({ length: flood.messages }, () => message);
    for (let sent = 0; sent < flood.frames; sent += 1) device.client.send({ ...real, messages });
    device.isFlooded = true;
  }

  /** The received frames that may match `shown`: of its type, and for a reply with its id. */
  function candidates({ client, shown: before }: Device, shown: Frame): readonly Frame[] {
    const of = client.frames.filter((frame) => !before.has(frame));
    return of.filter(({ type, id }) => id === shown['id'] && (id !== undefined || type === shown['type']));
  }

  /** @returns The difference to the best frame, or undefined when a frame matches. */
  function look(device: Device, shown: Frame): string | undefined {
    const told: string[] = [];
    for (const frame of candidates(device, shown)) {
      const difference = values.difference(shown, frame);
      if (difference === undefined) {
        device.shown.add(frame);
        values.bind(shown, frame);
        return undefined;
      }
      told.push(difference);
    }
    return told.join('; ') || 'nothing like it came';
  }

  async function get({ device: name, frame }: Of<'gets'>): Promise<void> {
    const device = devices.get(name);
    if (!device) throw new Error(`${name} has no connection yet`);
    await untilShown(() => look(device, frame));
  }

  /** Repeats a frame until the reply matches, and ignores the earlier replies. */
  async function sendUntilShown(example: SentExample, shown: Frame): Promise<void> {
    const device = await deviceOf(example.device);
    await untilShown(async () => {
      await send(example, device);
      await device.client.frame((frame) => frame['id'] === shown['id'] && !device.shown.has(frame));
      const wrong = look(device, shown);
      for (const frame of candidates(device, shown)) device.shown.add(frame);
      return wrong;
    });
  }

  async function ask({ text }: Of<'asks'>): Promise<void> {
    const [request = '', ...lines] = text.trim().split('\n');
    const { port, pathname } = new URL(cloud.websocketUrl);
    if (request !== `GET ${pathname} HTTP/1.1`) throw new Error(`expected GET ${pathname}, the stage's path`);
    const expired = await token('alice', { exp: Math.floor(cloud.clock.now() / 1000) - 60 });
    const fresh = await token('alice');
    const headers = lines.map((line) => line.replace('<token>', fresh).replace('<expired token>', expired));
    const handshake = rawHandshake(Number(port), pathname, { headers });
    // After status 101 the connection stays open.
    const opened = handshake.answered.then(() => handshake.received());
    answer = opened.then((start) => (/^HTTP\/1.1 101/.test(start) ? start : handshake.ended));
    await answer;
    handshake.socket.destroy();
  }

  async function compareAnswer({ text }: Of<'answers'>): Promise<void> {
    const [status = '', ...headers] = text.trim().split('\n');
    const [line = '', ...received] = ((await answer) ?? '').split('\r\n');
    if (line !== status) throw new Error(`the server answered ${line}`);
    const lacking = headers.find((header) => !received.some((each) => each.toLowerCase() === header.toLowerCase()));
    if (lacking) throw new Error(`the answer lacks ${lacking}: ${received.join('\n')}`);
  }

  async function close({ device, text }: Of<'closes'>): Promise<void> {
    const { code, reason } = (await devices.get(device)?.client.closed) ?? {};
    if (`${code} ${reason}` !== text.trim()) throw new Error(`closed with ${code} ${reason}`);
  }

  async function manage({ event }: Of<'manages'>): Promise<void> {
    const functionName = cloud.outputs['Beckon']?.['ManageFunctionName'] ?? '';
    await createManageClient(functionName, adminClient(cloud))(event as Parameters<InvokeManage>[0]);
  }

  async function perform(example: Example, next: Example | undefined): Promise<void> {
    switch (example.kind) {
      case 'capability':
        capability = example.capability;
        return;
      case 'asks':
        return ask(example);
      case 'answers':
        return compareAnswer(example);
      case 'sends':
        if (!example.isRepeated) return send(example, await deviceOf(example.device));
        if (next?.kind !== 'gets') throw new Error('after "until shown", the next example must be the reply');
        return sendUntilShown(example, next.frame);
      case 'gets':
        return get(example);
      case 'closes':
        return close(example);
      case 'manages':
        return manage(example);
    }
  }

  return {
    values,
    async perform(examples) {
      for (const [index, example] of examples.entries()) {
        const before = examples[index - 1];
        // The frame before has already waited for this reply.
        if (example.kind === 'gets' && before?.kind === 'sends' && before.isRepeated) continue;
        try {
          await perform(example, examples[index + 1]);
        } catch (error) {
          const told = error instanceof Error ? error.message : String(error);
          throw new Error(`docs/protocol.md, line ${example.line}: ${told}\n${example.text}`, { cause: error });
        }
      }
    },
    unshown: () =>
      [...devices.values()].flatMap(({ client, shown, isFlooded }) =>
        isFlooded ? [] : client.frames.filter((frame) => !shown.has(frame)),
      ),
    close: () => {
      for (const { client } of devices.values()) client.socket.terminate();
    },
  };
}

/** Polls until nothing is wrong. Rejects with the last problem at the timeout. */
async function untilShown(look: () => string | undefined | Promise<string | undefined>): Promise<void> {
  let wrong: string | undefined;
  const looked = eventually(async () => {
    wrong = await look();
    return wrong;
  }).toBeUndefined();
  await looked.catch((cause: unknown) => {
    throw new Error(wrong ?? 'no reply came', { cause });
  });
}

function userOf(device: string): string {
  return device.split('/')[0] ?? device;
}
