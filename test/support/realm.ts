import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import { WebSocket } from 'ws';
import type * as beckon from '../../client/index.ts';

/** A JavaScript runtime with the language alone, and the globals that a test adds. */
export interface Realm {
  readonly beckon: typeof beckon;
  /** Evaluates JavaScript in the runtime. */
  evaluate(code: string): unknown;
}

/** Bundles the client into one file, as bundlers without chunks do, such as React Native's Metro. */
export async function bundleClient(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: ['client/index.ts'],
    bundle: true,
    format: 'iife',
    globalName: 'beckon',
    target: 'es2022',
    platform: 'browser',
    write: false,
  });
  return outputFiles[0]?.text ?? '';
}

/** Creates a runtime with these globals alone, and loads the bundle into it. */
export function createRealm(bundle: string, globals: object): Realm {
  const context = createContext(Object.defineProperties({}, Object.getOwnPropertyDescriptors(globals)));
  // Node defines some browser globals in every context.
  runInContext('delete globalThis.WebAssembly; delete globalThis.console', context);
  runInContext(bundle, context);
  return {
    beckon: runInContext('beckon', context),
    evaluate: (code) => runInContext(code, context),
  };
}

/** Returns the browser globals that the client can use. */
export function browserGlobals() {
  const page = new EventTarget();
  const stored = new Map<string, string>();
  const localStorage = {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => void stored.set(key, value),
    removeItem: (key: string) => void stored.delete(key),
  };
  return {
    ...{ setTimeout, clearTimeout, queueMicrotask, URL, crypto: globalThis.crypto as object | undefined },
    ...{ AbortController, AbortSignal, CompressionStream, DecompressionStream, ReadableStream, WritableStream },
    ...{ Blob, Response, TextEncoder, TextDecoder, atob, btoa, structuredClone, BroadcastChannel },
    WebSocket: WebSocket as unknown,
    localStorage: localStorage as object,
    navigator: {
      locks: { request: async (_: string, __: object, call: (lock: object) => unknown) => call({}) },
    } as object,
    document: Object.assign(new EventTarget(), { visibilityState: 'visible' }) as object,
    addEventListener: page.addEventListener.bind(page),
    removeEventListener: page.removeEventListener.bind(page),
  };
}

export type BrowserGlobals = ReturnType<typeof browserGlobals>;

/** An `AbortController` without reasons, as in React Native. */
export class WordlessAbortController {
  readonly signal = Object.assign(new EventTarget(), { aborted: false });

  abort(): void {
    if (this.signal.aborted) return;
    this.signal.aborted = true;
    this.signal.dispatchEvent(new Event('abort'));
  }
}

/** A `Blob` as in React Native: only a {@link UrlFileReader} can read it. */
export class OpaqueBlob {
  readonly bytes: Uint8Array;
  constructor(parts: readonly Uint8Array[]) {
    this.bytes = Buffer.concat(parts);
  }
  get size(): number {
    return this.bytes.length;
  }
}

/** The `FileReader` of React Native, which reads data URLs alone. */
export class UrlFileReader {
  result = '';
  onload: () => void = () => {};
  onerror: () => void = () => {};
  readAsDataURL({ bytes }: OpaqueBlob): void {
    this.result = `data:application/octet-stream;base64,${Buffer.from(bytes).toString('base64')}`;
    queueMicrotask(() => this.onload());
  }
}
