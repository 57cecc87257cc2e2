import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where the wire contract is written down. */
export const PROTOCOL_DOCUMENT = join(import.meta.dirname, '../../docs/protocol.md');

type Json = Record<string, unknown>;

/** What an example is of, and where in the document it is. */
interface Located {
  /** Of the line with the fence. */
  readonly line: number;
  readonly text: string;
}

/** A frame that a device sends. */
export interface SentExample extends Located {
  readonly kind: 'sends';
  readonly device: string;
  /** Absent: the text is not JSON, on purpose. */
  readonly frame?: Json;
  /** The frame, or something in it, is not what it must be, on purpose. */
  readonly isWrong: boolean;
  /** It is sent again until the reply is the one that is shown next: what it asks for takes a moment to become so. */
  readonly isRepeated: boolean;
  /** How many such frames are sent at once, and of how many messages each. */
  readonly flood?: { readonly frames: number; readonly messages: number };
}

/** One block of the document that says what it is of: its fence is followed by a word for the kind, and more. */
export type Example =
  | SentExample
  /** A frame that a device gets. */
  | (Located & { readonly kind: 'gets'; readonly device: string; readonly frame: Json })
  /** With what code and reason a device's connection is closed. */
  | (Located & { readonly kind: 'closes'; readonly device: string })
  /** What the function `manage` is invoked with. */
  | (Located & { readonly kind: 'manages'; readonly event: unknown })
  /** A handshake, and how it is answered. */
  | (Located & { readonly kind: 'asks' })
  | (Located & { readonly kind: 'answers' })
  /** The capability of everybody's token. */
  | (Located & { readonly kind: 'capability'; readonly capability: Json });

const FENCED = /^```(?<language>\w+) (?<info>\w[^\n`]*)\n(?<text>.*?)^```$/gms;

/** The examples of a document, in its order. Blocks whose fence says nothing but a language are none. */
export function readExamples(document: string): readonly Example[] {
  return [...document.matchAll(FENCED)].map((match) => {
    const { language = '', info = '', text = '' } = match.groups ?? {};
    const line = document.slice(0, match.index).split('\n').length;
    try {
      return toExample(info.trim().split(/ +/), { line, text }, language === 'json' ? JSON.parse(text) : undefined);
    } catch (error) {
      throw new Error(`docs/protocol.md, line ${line}: ${error instanceof Error ? error.message : error}`);
    }
  });
}

/** The examples of the document as it is. */
export function readProtocolExamples(): readonly Example[] {
  return readExamples(readFileSync(PROTOCOL_DOCUMENT, 'utf8'));
}

function toExample([kind, ...words]: readonly string[], where: Located, json: Json | undefined): Example {
  const [device = '', ...more] = words;
  switch (kind) {
    case 'sends':
      return { ...where, kind, device, ...(json && { frame: json }), ...readManner(more) };
    case 'gets':
      return { ...where, kind, device, frame: required(json) };
    case 'closes':
      return { ...where, kind, device };
    case 'manages':
      return { ...where, kind, event: required(json) };
    case 'asks':
    case 'answers':
      return { ...where, kind };
    case 'capability':
      return { ...where, kind, capability: required(json) };
    default:
      throw new Error(`there is no kind of example "${kind}"`);
  }
}

/** `wrongly`, `until shown`, or `20 times 50`: 20 frames at once, of 50 messages each. */
function readManner(words: readonly string[]): Pick<SentExample, 'isWrong' | 'isRepeated' | 'flood'> {
  const manner = words.join(' ');
  const flood = /^(?<frames>\d+) times (?<messages>\d+)$/.exec(manner)?.groups;
  if (!flood && !['', 'wrongly', 'until shown'].includes(manner)) throw new Error(`"${manner}" says nothing`);
  return {
    isWrong: manner === 'wrongly',
    isRepeated: manner === 'until shown',
    ...(flood && { flood: { frames: Number(flood['frames']), messages: Number(flood['messages']) } }),
  };
}

function required(json: Json | undefined): Json {
  if (!json) throw new Error('this kind of example is JSON');
  return json;
}
