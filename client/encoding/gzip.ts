/**
 * Compresses bytes, or text in UTF-8.
 * @returns `undefined` where the runtime cannot.
 */
export async function gzip(source: Uint8Array<ArrayBuffer> | string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    const bytes = typeof source === 'string' ? new TextEncoder().encode(source) : source;
    return await pump(bytes, new CompressionStream('gzip'), Number.POSITIVE_INFINITY);
  } catch {
    return undefined;
  }
}

/**
 * Decompresses: by the runtime, or where that cannot, by what is loaded for it.
 * @throws Error for what is not gzip, for more than `maxBytes`, and when there is nothing to do it with.
 */
export async function gunzip(bytes: Uint8Array<ArrayBuffer>, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const stream = createDecompression();
  if (stream) return pump(bytes, stream, maxBytes);
  const { inflate } = await import('./inflate.ts');
  return inflate(bytes, maxBytes);
}

function createDecompression(): DecompressionStream | undefined {
  try {
    return new DecompressionStream('gzip');
  } catch {
    return undefined;
  }
}

/** @throws RangeError when more than `maxBytes` come out. */
async function pump(
  bytes: Uint8Array<ArrayBuffer>,
  { readable, writable }: CompressionStream | DecompressionStream,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const writer = writable.getWriter();
  // What goes wrong is told to the reader as well.
  for (const written of [writer.write(bytes), writer.close()]) written.catch(() => {});
  const reader = readable.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    size += chunk.value.length;
    if (size > maxBytes) {
      await reader.cancel();
      throw new RangeError(`more than ${maxBytes} bytes come out`);
    }
    chunks.push(chunk.value);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
