/** The time of day. */
export function describeClock(ms: number): string {
  return new Date(ms).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}

/** A day as people call it. */
export function describeDay(ms: number, nowMs: number): string {
  const daysAgo = Math.round((startOfDay(nowMs) - startOfDay(ms)) / 86_400_000);
  if (daysAgo === 0) return 'Today';
  if (daysAgo === 1) return 'Yesterday';
  return new Date(ms).toLocaleDateString([], { weekday: 'long', day: 'numeric', month: 'long' });
}

/** As short as it can be: the time of today, the day of anything older. */
export function describeTime(ms: number, nowMs: number): string {
  if (startOfDay(ms) === startOfDay(nowMs)) return describeClock(ms);
  return new Date(ms).toLocaleDateString([], { day: 'numeric', month: 'short' });
}

/** What tells one day from another. */
export function startOfDay(ms: number): number {
  return new Date(ms).setHours(0, 0, 0, 0);
}
