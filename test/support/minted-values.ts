/**
 * What a document shows in place of values that are made anew each time. Those of the document stand for real ones: the
 * same for the same, wherever they occur.
 */
export interface MintedValues {
  /** Where `shown` and what really came differ: in the shape, or in a value that is not minted. `undefined`: nowhere. */
  difference(shown: unknown, actual: unknown): string | undefined;
  /** What really came for `shown`, from which it does not differ: from now on its minted values stand for these. */
  bind(shown: unknown, actual: unknown): void;
  /** What is shown, with the real values in it. `unknown` holds minted ones that nothing has come for. */
  realize(shown: unknown): { readonly value: unknown; readonly unknown: readonly string[] };
  /** Values that whoever sends has chosen are none that the server mints. */
  addChosen(sent: unknown): void;
  /** The serials and cursors: the shown with the real ones. */
  readonly serials: ReadonlyMap<string, string>;
}

/** Begins with 0 for another thousand years; what does not is made up, and stands for itself. */
const SERIAL = /^0[0-9A-HJKMNP-TV-Z]{25}$/;
const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/;
const CONNECTION_ID = /^[\w-]{15}=$/;
const FORMS = [SERIAL, UUID, CONNECTION_ID];

/** Epoch milliseconds of this century; counts and limits are far below. */
const isTime = (value: unknown) => Number.isInteger(value) && Number(value) > 1e12 && Number(value) < 5e12;

/** Depends on when exactly a frame arrives; it is not the same twice. */
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
