/**
 * Any value that JSON carries, as far as a type can tell: interfaces and optional fields are welcome, while functions, Dates, Maps,
 * Sets and promises are not. What is in an object is judged when it is sent: see {@link encodeJson}.
 */
export type JsonValue = string | number | boolean | null | JsonObject | { readonly [field: string]: unknown };

/** Objects and arrays, without the kinds that give themselves away by a symbol. Literals have fields that it does not know. */
type JsonObject = object & {
  readonly [Symbol.toStringTag]?: never;
  readonly [Symbol.toPrimitive]?: never;
  readonly [Symbol.hasInstance]?: never;
};

/** Whatever holds bytes. */
export type Bytes = ArrayBuffer | ArrayBufferView | BlobLike;

/** What the SDKs take as the data of a message: any JSON, or bytes. */
export type Data = JsonValue | Bytes;

/**
 * What the values of a type fit if they arrive as they were sent: it has `never` in the place of a function, a Date, a Map or
 * whatever else JSON loses or changes. For type parameters: `Note extends Carried<Note>`.
 */
export type Carried<T> = [Extract<T, Bytes>] extends [never] ? CarriedByJson<T> : unknown;

type CarriedByJson<T> = unknown extends T
  ? unknown
  : [T] extends [string | number | boolean | null | undefined]
    ? unknown
    : [Extract<T, Lost>] extends [never]
      ? // Of arrays the elements, which the compiler then looks at one level at a time: types may contain themselves.
        { [Field in keyof T as T extends readonly unknown[] ? Field & number : Field]: CarriedByJson<T[Field]> }
      : never;

/** What is not in JSON. */
type Lost = bigint | symbol | ((...args: never) => unknown);

/** What the SDKs need of a `Blob`, which not every runtime has. */
export interface BlobLike {
  readonly size: number;
  readonly type: string;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/**
 * Encodes a value as JSON, as it is now. Like `JSON.stringify`, it leaves out fields that are `undefined`, and takes of an instance
 * of a class what its `toJSON` gives, or else its own fields.
 * @throws TypeError for what would arrive as something else, or not at all, and where it is: functions, symbols, BigInts, numbers
 *   that are not finite, `undefined` in an array, Maps, Sets, bytes in an object and the like; for what has no end. Whatever
 *   a getter or a `toJSON` throws.
 */
export function encodeJson(data: unknown): string {
  /** The objects around the value that is looked at, outermost first, and where they are. */
  const around: { readonly value: unknown; readonly path: string }[] = [];
  return JSON.stringify(data, function (this: Readonly<Record<string, unknown>>, key: string, value: unknown) {
    while (around.length > 0 && around.at(-1)?.value !== this) around.pop();
    const outer = around.at(-1);
    const path = outer ? `${outer.path}.${key}` : 'data';
    const isField = outer !== undefined && !Array.isArray(this);
    const fault = faultOf(value, this[key], isField);
    if (fault) throw new TypeError(`The data must be JSON or bytes. Found at "${path}": ${fault}`);
    around.push({ value, path });
    return value;
  });
}

/** A copy of the bytes in a buffer or a view of one. `undefined` when the data is neither. */
export function bytesOf(data: unknown): Uint8Array<ArrayBuffer> | undefined {
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  return /^(Shared)?ArrayBuffer$/.test(kindOf(data)) ? new Uint8Array(data as ArrayBuffer).slice() : undefined;
}

/** Whether the data is a `Blob`, of whichever implementation: its bytes have to be read. */
export function isBlob(data: unknown): data is BlobLike {
  const { Blob } = globalThis as object as { readonly Blob?: new () => object };
  return /^(Blob|File)$/.test(kindOf(data)) || (typeof Blob === 'function' && data instanceof Blob);
}

/**
 * @param value What JSON makes of it: `toJSON` has been called.
 * @param given What it was before.
 * @param isField Whether it is a field of an object, which may be left out.
 * @returns What is wrong with it
 */
function faultOf(value: unknown, given: unknown, isField: boolean): string | undefined {
  // A Buffer of Node has a toJSON, which gives an object with its bytes as numbers.
  const kind = isBlob(value) ? 'Blob' : kindOf(ArrayBuffer.isView(given) ? given : value);
  const isFine =
    /^(Object|Array|String|Boolean)$/.test(kind) ||
    (kind === 'Number' && Number.isFinite(Number(value))) ||
    (kind === 'Null' && kindOf(given) !== 'Date') ||
    (kind === 'Undefined' && isField && given === value);
  if (isFine) return undefined;
  return /^Nu/.test(kind) ? String(given) : kind;
}

/** What the runtime calls it: `Object` for plain objects and instances of most classes, of every realm. */
function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice('[object '.length, -1);
}
