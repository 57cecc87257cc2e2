import type { Clock } from '../../clock.ts';
import { ACCOUNT_BURST_REQUESTS, ACCOUNT_REQUESTS_PER_SECOND } from '../limits.ts';
import { createThrottle } from '../throttle.ts';
import type { Properties } from './properties.ts';

/** Settings that are honoured, then those that change nothing here: metrics and execution logs. */
const LIMIT_KEYS = ['ThrottlingRateLimit', 'ThrottlingBurstLimit'] as const;
const INERT_KEYS: ReadonlySet<string> = new Set(['DataTraceEnabled', 'DetailedMetricsEnabled', 'LoggingLevel']);

/**
 * The limits of a stage: a bucket of its own for every route with settings of its own, and one for all the others.
 * Takes a token for a route; false when there is none.
 */
export function createStageThrottle(clock: Clock, properties: Properties): (routeKey: string) => boolean {
  const bucket = (settings: unknown, name: string) => {
    const [requestsPerSecond, burst] = readLimits(settings, name, properties);
    return createThrottle(clock, requestsPerSecond, burst);
  };
  const shared = bucket(properties.record('DefaultRouteSettings'), 'DefaultRouteSettings');
  const own = new Map(
    Object.entries(properties.record('RouteSettings')).map(([routeKey, settings]) => [
      routeKey,
      bucket(settings, `RouteSettings.${routeKey}`),
    ]),
  );
  return (routeKey) => (own.get(routeKey) ?? shared).tryTake();
}

function readLimits(settings: unknown, name: string, properties: Properties): [number, number] {
  if (typeof settings !== 'object' || settings === null) return properties.refuse(name, 'must be an object');
  const values: Readonly<Record<string, unknown>> = { ...settings };
  const unknown = Object.keys(values).find((key) => !LIMIT_KEYS.some((limit) => limit === key) && !INERT_KEYS.has(key));
  if (unknown !== undefined) properties.refuse(`${name}.${unknown}`, 'is not supported');
  const read = (key: (typeof LIMIT_KEYS)[number], byDefault: number): number => {
    const number = Number(values[key] ?? byDefault);
    return number >= 0 ? number : properties.refuse(`${name}.${key}`, 'must be a number of at least 0');
  };
  return [
    read('ThrottlingRateLimit', ACCOUNT_REQUESTS_PER_SECOND),
    read('ThrottlingBurstLimit', ACCOUNT_BURST_REQUESTS),
  ];
}
