/**
 * Any JSON value, as far as a type can tell. The type allows interfaces and optional fields, and excludes functions, Dates, Maps,
 * Sets and promises. {@link encodeJson} checks the content of an object at run time.
 */
export type JsonValue = string | number | boolean | null | JsonObject | { readonly [field: string]: unknown };

/** Objects and arrays, except the kinds that have a well-known symbol. Object literals may have other fields. */
type JsonObject = object & {
  readonly [Symbol.toStringTag]?: never;
  readonly [Symbol.toPrimitive]?: never;
  readonly [Symbol.hasInstance]?: never;
};

/** A value that holds bytes. */
export type Bytes = ArrayBuffer | ArrayBufferView | BlobLike;

/** The data of a message, as the SDKs accept it: any JSON, or bytes. */
export type Data = JsonValue | Bytes;

/**
 * The type itself if its values arrive unchanged. It has `never` in place of a function, a Date, a Map, and every other type that
 * JSON loses or changes, such as `undefined` in an array or in a field that is not optional. Use it for type parameters:
 * `Note extends Carried<Note>`.
 */
export type Carried<T> = [Extract<T, Bytes>] extends [never] ? CarriedByJson<T> : unknown;

type CarriedByJson<T> = unknown extends T
  ? unknown
  : [T] extends [string | number | boolean | null]
    ? unknown
    : [Extract<T, Lost>] extends [never]
      ? // For arrays, only the elements: the compiler then checks one level at a time, because types may contain themselves.
        { [Field in keyof T as T extends readonly unknown[] ? Field & number : Field]: CarriedField<T, Field> }
      : never;

/** JSON omits a field that is `undefined`: the type of the field must say that it may be missing. */
type CarriedField<T, Field extends keyof T> = CarriedByJson<
  T extends readonly unknown[]
    ? T[Field]
    : { [Each in Field]?: T[Each] } extends Pick<T, Field>
      ? Exclude<T[Field], undefined>
      : T[Field]
>;

/** Types that JSON cannot represent. */
type Lost = undefined | bigint | symbol | ((...args: never) => unknown);

/** The part of a `Blob` that the SDKs use. Not every runtime has `Blob`. */
export interface BlobLike {
  readonly size: number;
  readonly type: string;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/**
 * Encodes a value as JSON, in its present state. Like `JSON.stringify`, it omits fields that are `undefined`. For an instance of a
 * class, it encodes the result of `toJSON`, or else the instance's own fields.
 * @throws TypeError for a value that JSON would change or lose, with its path: functions, symbols, BigInts, numbers that are not finite,
 *   `undefined` in an array, Maps, Sets, bytes in an object and the like. TypeError for a circular value. Any error that a getter or a
 *   `toJSON` throws.
 */
export function encodeJson(data: unknown): string {
  /** The objects around the current value and their paths, outermost first. */
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

/** Copies the bytes of a buffer or of a view of one. Returns `undefined` for other data. */
export function bytesOf(data: unknown): Uint8Array<ArrayBuffer> | undefined {
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  return /^(Shared)?ArrayBuffer$/.test(kindOf(data)) ? new Uint8Array(data as ArrayBuffer).slice() : undefined;
}

/** Whether the data is a `Blob` of any implementation, whose bytes must be read asynchronously. */
export function isBlob(data: unknown): data is BlobLike {
  const { Blob } = globalThis as object as { readonly Blob?: new () => object };
  return /^(Blob|File)$/.test(kindOf(data)) || (typeof Blob === 'function' && data instanceof Blob);
}

/**
 * Finds out whether JSON would change or lose a value.
 * @param value The value after `toJSON`.
 * @param given The value before `toJSON`.
 * @param isField Whether the value is a field of an object, which JSON may omit.
 * @returns What is wrong with the value; `undefined` when nothing is.
 */
function faultOf(value: unknown, given: unknown, isField: boolean): string | undefined {
  // Node's Buffer has a toJSON, which returns an object with the bytes as numbers.
  const kind = isBlob(value) ? 'Blob' : kindOf(ArrayBuffer.isView(given) ? given : value);
  const isFine =
    /^(Object|Array|String|Boolean)$/.test(kind) ||
    (kind === 'Number' && Number.isFinite(Number(value))) ||
    (kind === 'Null' && kindOf(given) !== 'Date') ||
    (kind === 'Undefined' && isField && given === value);
  if (isFine) return undefined;
  return /^Nu/.test(kind) ? String(given) : kind;
}

/** The runtime's name for the kind of a value: `Object` for plain objects and instances of most classes, in every realm. */
function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice('[object '.length, -1);
}
