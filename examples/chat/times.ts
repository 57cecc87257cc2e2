/** Returns the time of day. */
export function describeClock(ms: number): string {
  return new Date(ms).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}

/** Names a day: today, yesterday, or its date. */
export function describeDay(ms: number, nowMs: number): string {
  const daysAgo = Math.round((startOfDay(nowMs) - startOfDay(ms)) / 86_400_000);
  if (daysAgo === 0) return 'Today';
  if (daysAgo === 1) return 'Yesterday';
  return new Date(ms).toLocaleDateString([], { weekday: 'long', day: 'numeric', month: 'long' });
}

/** Returns a short time: the time of day for today, else the date. */
export function describeTime(ms: number, nowMs: number): string {
  if (startOfDay(ms) === startOfDay(nowMs)) return describeClock(ms);
  return new Date(ms).toLocaleDateString([], { day: 'numeric', month: 'short' });
}

/** Returns the local midnight at which the day of a time begins, epoch milliseconds. */
export function startOfDay(ms: number): number {
  return new Date(ms).setHours(0, 0, 0, 0);
}
