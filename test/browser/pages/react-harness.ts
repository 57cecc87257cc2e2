/** What the page shows, and what `test/browser/react.test.ts` changes about it. */
export interface PageProps {
  readonly url: string;
  readonly user: string;
  /** Written in front of each message as it is shown. */
  readonly label: string;
  /** An option that is wrong, for example. */
  readonly more?: object;
}

export interface PageHarness {
  render(props: PageProps): void;
  unmount(): void;
  /** The users for whom tokens were asked. */
  readonly tokens: readonly string[];
  /** Every state that was rendered. */
  readonly states: readonly string[];
}
