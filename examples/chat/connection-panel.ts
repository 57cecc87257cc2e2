import type { ConnectionState } from '../../client/index.ts';
import { find } from './dom.ts';
import type { NetworkSwitch } from './network-switch.ts';
import { describeReason, describeState } from './words.ts';

/** Shows the client's state, its reason and the next attempt. Has the switch that cuts the connection. */
export class ConnectionPanel {
  readonly #panel = find('#connection', HTMLElement);
  readonly #status = find('#connection-status', HTMLElement);
  readonly #reason = find('#connection-reason', HTMLElement);
  /** Not part of the live region: a screen reader would read it out each second. */
  readonly #countdown = find('#connection-countdown', HTMLElement);
  readonly #switch = find('#cut', HTMLButtonElement);
  readonly #network: NetworkSwitch;
  #ticking: ReturnType<typeof setInterval> | undefined;

  constructor(network: NetworkSwitch) {
    this.#network = network;
    this.#switch.addEventListener('click', () => {
      if (network.isCut) network.restore();
      else network.cut();
      this.#showSwitch();
    });
    this.#showSwitch();
  }

  show(state: ConnectionState): void {
    clearInterval(this.#ticking);
    this.#panel.dataset['status'] = state.status;
    this.#status.textContent = describeState(state);
    this.#reason.textContent = this.#explain(state);
    this.#countdown.textContent = '';
    if (!('retryAtMs' in state) || state.retryAtMs === undefined) return;
    const { retryAtMs } = state;
    const tick = () => {
      const seconds = Math.ceil((retryAtMs - Date.now()) / 1000);
      this.#countdown.textContent = seconds > 0 ? `next attempt in ${seconds} s` : '';
    };
    tick();
    this.#ticking = setInterval(tick, 250);
  }

  /** Restores the connection for the next user. */
  restore(): void {
    if (this.#network.isCut) this.#network.restore();
    this.#showSwitch();
  }

  #explain(state: ConnectionState): string {
    if (state.status === 'connected') return 'Messages go out at once.';
    if (this.#network.isCut) return 'You have cut it. Messages wait here.';
    return 'reason' in state && state.reason ? describeReason(state.reason) : '';
  }

  #showSwitch(): void {
    this.#switch.setAttribute('aria-checked', String(this.#network.isCut));
  }
}
