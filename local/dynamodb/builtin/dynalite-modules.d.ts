/** The parts of dynalite 4.0.0 that are called without its HTTP server. It ships no types; the version is pinned. */

declare module 'dynalite/validations/index.js' {
  const validations: {
    /** Returns the input with the types of AWS's JSON protocol coerced; throws an error with `statusCode` and `body`. */
    checkTypes(input: unknown, types: unknown): Record<string, unknown>;
    /** Throws an error with `statusCode` and `body`; leaves the parsed expressions in `input`. */
    checkValidations(input: unknown, types: unknown, custom: unknown, store: unknown): void;
  };
  export default validations;
}
