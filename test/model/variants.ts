import type { Flags, Outcome } from './spin.ts';

/**
 * Scenarios that Spin can explore completely. With all rules on, the promise holds in each. Unnamed settings have their defaults
 * from docs/model/rules.pml.
 */
export const SCENARIOS = {
  'one device': { TICKS: 4, LATE: 1 },
  expiry: { RUNS: 1, EXPIRY: 1, TTL: 4, PINGS: 1, PING_LIFE: 1, REREGISTERS: 1, RECONNECTS: 0, FAILURES: 0, TICKS: 5 },
  registrations: { RUNS: 1, EXPIRY: 1, PINGS: 1, LATE_PUTS: 1, REREGISTERS: 1, RECONNECTS: 0, CRASHES: 0, TICKS: 4 },
  pages: { PAGES: 2, CRASHES: 0, TICKS: 3 },
  retry: { RETRY: 1, TICKS: 4 },
  'late retry': { RETRY: 1, RUNS: 3, REGISTERED: 1, APPENDED: 1, CRASHES: 0, TICKS: 5 },
  'said to be gone': {
    RUNS: 1,
    REGISTERED: 1,
    GONE: 1,
    FAILURES: 0,
    CRASHES: 0,
    PINGS: 1,
    TTL: 9,
    REREGISTERS: 1,
    TICKS: 3,
  },
  'two devices': { DEVICES: 2, RUNS: 1, NEWCOMER: 1, FAILURES: 2, RECONNECTS: 2, TICKS: 4 },
  'two devices, two messages': { DEVICES: 2, REGISTERED: 2, CRASHES: 0, STALE: 0, SKEW: 0, TICKS: 2 },
  'two devices, retry': { DEVICES: 2, RETRY: 1, REGISTERED: 1, APPENDED: 1, CRASHES: 0, TICKS: 4 },
} as const satisfies Record<string, Flags>;

export type Scenario = keyof typeof SCENARIOS;

/** A removed rule, the scenario that shows its absence, and the outcome. */
export interface Variant {
  readonly scenario: Scenario;
  readonly without: Flags;
  readonly outcome: Outcome;
}

const off = (scenario: Scenario, rule: string, outcome: Outcome = 'lost'): Variant => ({
  scenario,
  without: { [rule]: 0 },
  outcome,
});

export const VARIANTS: readonly Variant[] = [
  off('one device', 'READ2'),
  off('one device', 'READ2_AFTER_APPEND'),
  off('one device', 'READ2_CONSISTENT'),
  off('expiry', 'CLOCK_FIRST'),
  off('one device', 'GAPLESS'),
  off('two devices', 'GAPLESS_EACH'),
  off('two devices', 'ACK_ALL'),
  off('said to be gone', 'FORGET_AFTER_APPEND'),
  off('said to be gone', 'FORGET_NUMBERED'),
  off('retry', 'RETRY_DELIVERS'),
  off('late retry', 'RETRY_YOUNG'),
  off('one device', 'PUT_FIRST'),
  off('one device', 'LOG_CONSISTENT'),
  off('registrations', 'TOMBSTONE'),
  off('registrations', 'NUMBERED'),
  off('expiry', 'NO_REVIVAL'),
  off('expiry', 'PING_MARGIN'),
  off('two devices', 'OWN_CURSOR'),
  off('one device', 'HOLD_CURSOR'),
  off('pages', 'ALL_PAGES'),
  off('pages', 'FIRST_PAGE_CLOCK'),
  off('registrations', 'MATCH_REPLY'),
  off('retry', 'DEDUPE_BY_ID', 'twice'),
  off('two devices', 'SHOWN_BY_ID'),
  off('one device', 'REMEMBER', 'twice'),
  { scenario: 'one device', without: { OVERLAP: 2 }, outcome: 'lost' },
  { scenario: 'expiry', without: { MARGIN: 1 }, outcome: 'lost' },
  { scenario: 'late retry', without: { RETRY_AGE: 2, OVERLAP: 4 }, outcome: 'lost' },
  { scenario: 'one device', without: { LATE: 99, OVERLAP: 3 }, outcome: 'lost' },
];

/** The rules of docs/model/ending.pml, with the outcome of removing each. */
export const ENDING_RULES: Readonly<Record<string, Outcome>> = {
  NOTE_FIRST: 'left',
  LIVE_FIRST: 'left',
  ALWAYS_READ: 'left',
  PUT_THEN_READ: 'lost',
};
