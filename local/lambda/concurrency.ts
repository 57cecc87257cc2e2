import type { FunctionConfiguration } from './function-configuration.ts';

/** Counts the account's concurrent executions. A function has its reserved ones, and all other functions share the rest. */
export interface Concurrency {
  /** Reserves executions for a function. @throws Error if the account has too few left */
  reserve(configuration: FunctionConfiguration): void;
  /** Starts one execution. Returns the function that ends it, or `undefined` at the limit (AWS throttles). */
  enter(configuration: FunctionConfiguration): (() => void) | undefined;
}

/**
 * @param account the account's concurrent executions
 * @param minUnreserved how many of them no function can reserve
 */
export function createConcurrency(account: number, minUnreserved = 0): Concurrency {
  let unreserved = account;
  let running = 0;
  const runningReserved = new Map<string, number>();
  return {
    reserve({ name, reservedConcurrency = 0 }) {
      const left = unreserved - minUnreserved;
      if (reservedConcurrency > left) {
        throw new Error(
          `${name}: ReservedConcurrentExecutions is ${reservedConcurrency}, and only ${left} of the account's ${account} are left`,
        );
      }
      unreserved -= reservedConcurrency;
    },
    enter({ name, reservedConcurrency }) {
      if (reservedConcurrency === undefined) {
        if (running >= unreserved) return undefined;
        running += 1;
        return () => {
          running -= 1;
        };
      }
      const own = runningReserved.get(name) ?? 0;
      if (own >= reservedConcurrency) return undefined;
      runningReserved.set(name, own + 1);
      return () => runningReserved.set(name, (runningReserved.get(name) ?? 1) - 1);
    },
  };
}
