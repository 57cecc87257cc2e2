import type { ConnectionState } from '../../client/index.ts';
import { find } from './dom.ts';
import { describeState } from './words.ts';

/** Says what the connection is doing, and counts down to the next attempt. */
export interface ConnectionStatus {
  show(state: ConnectionState): void;
}

export function createConnectionStatus(): ConnectionStatus {
  const line = find('#connection', HTMLElement);
  const status = find('#connection-status', HTMLElement);
  // Not part of the live region: a screen reader would read it out each second.
  const countdown = find('#connection-countdown', HTMLElement);
  let ticking: number | undefined;

  const showCountdown = (retryAtMs: number) => {
    const seconds = Math.ceil((retryAtMs - Date.now()) / 1000);
    countdown.textContent = seconds > 0 ? `next attempt in ${seconds} s` : '';
  };
  return {
    show: (state) => {
      clearInterval(ticking);
      line.dataset['status'] = state.status;
      line.title = 'reason' in state ? (state.reason?.message ?? '') : '';
      status.textContent = describeState(state);
      countdown.textContent = '';
      if (!('retryAtMs' in state) || state.retryAtMs === undefined) return;
      const { retryAtMs } = state;
      showCountdown(retryAtMs);
      ticking = window.setInterval(() => showCountdown(retryAtMs), 250);
    },
  };
}
