import * as v from 'valibot';
import type { Clock } from '../../clock.ts';
import { createThrottle, type Throttle } from '../../throttle.ts';
import { ACCOUNT_BURST_REQUESTS, ACCOUNT_REQUESTS_PER_SECOND } from '../limits.ts';

const limit = v.pipe(v.union([v.number(), v.pipe(v.string(), v.toNumber())]), v.minValue(0));

/** The settings of a route. Those for metrics and execution logs have no effect here. */
export const routeSettings = v.strictObject({
  ThrottlingRateLimit: v.optional(limit, ACCOUNT_REQUESTS_PER_SECOND),
  ThrottlingBurstLimit: v.optional(limit, ACCOUNT_BURST_REQUESTS),
  DataTraceEnabled: v.optional(v.unknown()),
  DetailedMetricsEnabled: v.optional(v.unknown()),
  LoggingLevel: v.optional(v.unknown()),
});

type RouteSettings = v.InferOutput<typeof routeSettings>;

/**
 * Makes the limits of a stage: a bucket for each route with settings of its own, and one for all others. The result takes a
 * token for a route, and returns false at the limit.
 */
export function createStageThrottle(
  clock: Clock,
  byDefault: RouteSettings,
  byRoute: Readonly<Record<string, RouteSettings>>,
): (routeKey: string) => boolean {
  const bucket = ({ ThrottlingRateLimit, ThrottlingBurstLimit }: RouteSettings): Throttle =>
    createThrottle(clock, ThrottlingRateLimit, ThrottlingBurstLimit);
  const shared = bucket(byDefault);
  const own = new Map(Object.entries(byRoute).map(([routeKey, settings]) => [routeKey, bucket(settings)]));
  return (routeKey) => (own.get(routeKey) ?? shared).tryTake();
}
