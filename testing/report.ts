/** Makes the runtime report an error that nobody waits for: test runners then fail the run. */
export function reportError(error: unknown): void {
  void Promise.reject(error);
}
