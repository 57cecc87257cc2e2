/**
 * Matches a document's examples with real frames. The document shows serials, ids and times that differ in each run; each of
 * them stands for one real value, everywhere in the document. Call `realize` before sending, `difference` and then `bind` after
 * receiving.
 */
export interface MintedValues {
  /** Describes where `shown` and the real frame differ, minted values apart; `undefined` if nowhere. */
  difference(shown: unknown, actual: unknown): string | undefined;
  /** Ties the minted values of `shown` to those of the matching real frame. */
  bind(shown: unknown, actual: unknown): void;
  /** Replaces minted values in `shown` by real ones. `unknown` lists those without a real value yet. */
  realize(shown: unknown): { readonly value: unknown; readonly unknown: readonly string[] };
  /** Excludes the values that the sender chose: the server did not mint them. */
  addChosen(sent: unknown): void;
  /** The document's serials and cursors, with their real ones. */
  readonly serials: ReadonlyMap<string, string>;
}

/** Real serials begin with 0 for the next thousand years. A made-up serial begins otherwise, and stands for itself. */
const SERIAL = /^0[0-9A-HJKMNP-TV-Z]{25}$/;
const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/;
const CONNECTION_ID = /^[\w-]{15}=$/;
/** A position in the list of conversations. */
const POSITION = /^0[0-9A-HJKMNP-TV-Z]{25}(?:user|room|service)#/;
const FORMS = [SERIAL, UUID, CONNECTION_ID, POSITION];

/** Whether the value is epoch milliseconds of this century. Counts and limits are far smaller. */
const isTime = (value: unknown) => Number.isInteger(value) && Number(value) > 1e12 && Number(value) < 5e12;

/** This field depends on the frame's exact arrival, so it differs each time. */
const UNREPEATED = 'retryAfterMs';

export function createMintedValues(): MintedValues {
  const bound = new Map<unknown, unknown>();
  const chosen = new Set<unknown>();

  const isMinted = (value: unknown) => !chosen.has(value) && (isTime(value) || formOf(value) !== undefined);

  function difference(shown: unknown, actual: unknown, path = 'the frame'): string | undefined {
    if (isMinted(shown)) {
      if (!isOfForm(shown, actual)) return `${path} is ${JSON.stringify(actual)}, of another form than ${shown}`;
      const real = bound.get(shown) ?? actual;
      return real === actual ? undefined : `${path} is ${actual}; what ${shown} stands for is ${real}`;
    }
    if (!isCompound(shown) || !isCompound(actual)) {
      return shown === actual ? undefined : `${path} is ${JSON.stringify(actual)}, not ${JSON.stringify(shown)}`;
    }
    const [wanted, there] = [Object.keys(shown), Object.keys(actual)];
    if (Array.isArray(shown) !== Array.isArray(actual)) return `${path} is an array, or should be one`;
    const missing = wanted.find((key) => !there.includes(key));
    if (missing !== undefined) return `${path} lacks ${missing}`;
    const other = there.find((key) => !wanted.includes(key));
    if (other !== undefined) return `${path} has ${other}: ${JSON.stringify(actual[other])}`;
    for (const key of wanted) {
      const told = key === UNREPEATED ? ofWait(actual[key]) : difference(shown[key], actual[key], `${path}.${key}`);
      if (told) return told;
    }
    return undefined;
  }

  function addChosen(sent: unknown): void {
    if (typeof sent === 'string' && UUID.test(sent) && !bound.has(sent)) chosen.add(sent);
    else if (isCompound(sent)) for (const value of Object.values(sent)) addChosen(value);
  }

  function bind(shown: unknown, actual: unknown): void {
    if (isMinted(shown)) bound.set(shown, actual);
    else if (isCompound(shown) && isCompound(actual)) for (const key in shown) bind(shown[key], actual[key]);
  }

  return {
    difference: (shown, actual) => difference(shown, actual),
    bind,
    realize(shown) {
      const unknown: string[] = [];
      const text = JSON.stringify(shown, (_, value) => {
        if (isMinted(value) && !bound.has(value)) unknown.push(String(value));
        return bound.get(value) ?? value;
      });
      return { value: JSON.parse(text), unknown };
    },
    addChosen,
    get serials() {
      return new Map([...bound].filter(([shown]) => SERIAL.test(String(shown)))) as ReadonlyMap<string, string>;
    },
  };
}

function formOf(value: unknown): RegExp | undefined {
  return typeof value === 'string' ? FORMS.find((form) => form.test(value)) : undefined;
}

function isOfForm(shown: unknown, actual: unknown): boolean {
  return isTime(shown) ? isTime(actual) : formOf(shown) === formOf(actual);
}

function isCompound(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function ofWait(value: unknown): string | undefined {
  return typeof value === 'number' && value > 0 ? undefined : `${UNREPEATED} is ${value}`;
}
