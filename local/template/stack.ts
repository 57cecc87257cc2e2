/** One synthesized stack of an application. */
export interface Stack {
  readonly name: string;
  /** The parsed template file. */
  readonly document: unknown;
  /** The folder of asset paths. */
  readonly assetDirectory: string;
  /** Asset paths by the object key of the upload (`<hash>.zip`). */
  readonly assets: ReadonlyMap<string, string>;
}
