/** One stack of an application, as it was synthesized. */
export interface Stack {
  readonly name: string;
  /** The parsed template file. */
  readonly document: unknown;
  /** The folder that asset paths are relative to. */
  readonly assetDirectory: string;
  /** Asset paths by the object key under which a deployment would upload them (`<hash>.zip`). */
  readonly assets: ReadonlyMap<string, string>;
}
