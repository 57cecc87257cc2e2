/** Calls that each tab does by itself. Messages go through the outbox of the tab, whoever holds the connection. */
const OWN_CALLS = /^(on|messages|close|send.*)$/;

/** A client whose calls are done by `share`. Whatever else it has is its own. */
export function shareCalls<C extends object>(
  client: C,
  share: (method: string, args: readonly unknown[]) => Promise<unknown>,
): C {
  return new Proxy(client, {
    get: (target, name) => {
      const value = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      if (typeof name === 'symbol' || name in Object.prototype || OWN_CALLS.test(name)) return value.bind(target);
      return (...args: unknown[]) => share(name, args);
    },
  });
}
