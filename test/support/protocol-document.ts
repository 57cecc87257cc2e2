import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The document of the wire contract. */
export const PROTOCOL_DOCUMENT = join(import.meta.dirname, '../../docs/protocol.md');

type Json = Record<string, unknown>;

/** An example's subject and its place in the document. */
interface Located {
  /** The line number of the opening fence. */
  readonly line: number;
  readonly text: string;
}

/** A frame that a device sends. */
export interface SentExample extends Located {
  readonly kind: 'sends';
  readonly device: string;
  /** Absent if the example shows invalid JSON. */
  readonly frame?: Json;
  /** Whether the example shows an invalid frame. */
  readonly isWrong: boolean;
  /** Whether the device repeats the frame until the reply matches the next example: the effect takes a moment. */
  readonly isRepeated: boolean;
  /** The number of such frames sent at once, and the messages in each. */
  readonly flood?: { readonly frames: number; readonly messages: number };
}

/** One block of the document with a kind: words after the language in its opening fence. */
export type Example =
  | SentExample
  /** A frame that a device receives. */
  | (Located & { readonly kind: 'gets'; readonly device: string; readonly frame: Json })
  /** The code and reason with which the server closes a device's connection. */
  | (Located & { readonly kind: 'closes'; readonly device: string })
  /** An event of the function `manage`. */
  | (Located & { readonly kind: 'manages'; readonly event: unknown })
  /** A handshake and its answer. */
  | (Located & { readonly kind: 'asks' })
  | (Located & { readonly kind: 'answers' })
  /** The capability of every user's token. */
  | (Located & { readonly kind: 'capability'; readonly capability: Json });

const FENCED = /^```(?<language>\w+) (?<info>\w[^\n`]*)\n(?<text>.*?)^```$/gms;

/** Reads the examples of a document, in order. Skips blocks whose fence has only a language. */
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

/** Reads the examples of docs/protocol.md. */
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
      throw new Error(`unknown kind of example "${kind}"`);
  }
}

/** Reads the words after `sends`: `wrongly`, `until shown`, or `20 times 50`, that is 20 frames at once of 50 messages each. */
function readManner(words: readonly string[]): Pick<SentExample, 'isWrong' | 'isRepeated' | 'flood'> {
  const manner = words.join(' ');
  const flood = /^(?<frames>\d+) times (?<messages>\d+)$/.exec(manner)?.groups;
  if (!flood && !['', 'wrongly', 'until shown'].includes(manner))
    throw new Error(`unknown words "${manner}"; expected wrongly, until shown or N times M`);
  return {
    isWrong: manner === 'wrongly',
    isRepeated: manner === 'until shown',
    ...(flood && { flood: { frames: Number(flood['frames']), messages: Number(flood['messages']) } }),
  };
}

function required(json: Json | undefined): Json {
  if (!json) throw new Error('this kind of example must be JSON');
  return json;
}
