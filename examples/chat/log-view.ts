import { arrange, find } from './dom.ts';
import type { LogItem } from './log-items.ts';
import { createMessageView, type MessageView } from './message-view.ts';

/** The distance that counts as being at an end, in pixels. */
const NEAR_PX = 64;
/** The distance from the top at which earlier messages load, in pixels. */
const EARLIER_PX = 240;

/** The text of the button that leads to the end, without new messages. */
const LABEL = 'Newest messages';

export interface LogHandlers {
  readonly signal: AbortSignal;
  /** The user is near the earliest loaded message. Called again while they stay there. */
  onEarlier(): void;
  /** More of the messages may be in view than before. */
  onScroll(): void;
  onAgain(key: string): void;
}

/** The messages of the open conversation, and their scroll position. */
export class LogView {
  readonly #scroller = find('#log', HTMLElement);
  readonly #list = find('#messages', HTMLOListElement);
  readonly #toEnd = find('#to-end', HTMLButtonElement);
  readonly #toEndLabel = find('.visually-hidden', HTMLElement, this.#toEnd);
  readonly #toEndCount = find('.unread', HTMLElement, this.#toEnd);
  readonly #handlers: LogHandlers;
  #views = new Map<string, MessageView>();
  #rules = new Map<string, HTMLLIElement>();
  /** Whether the view was at the end before a change. Then it follows new messages. */
  #isAtEnd = true;

  constructor(handlers: LogHandlers) {
    this.#handlers = handlers;
    const { signal } = handlers;
    // Scroll keys go to the focused element.
    this.#scroller.tabIndex = 0;
    this.#scroller.addEventListener('scroll', () => this.#onScroll(), { signal });
    this.#toEnd.addEventListener('click', () => this.scrollToEnd(), { signal });
    const onResize = new ResizeObserver(() => {
      if (this.#isAtEnd) this.scrollToEnd();
    });
    onResize.observe(this.#scroller);
    signal.addEventListener('abort', () => onResize.disconnect());
  }

  /** Whether the newest message is in view, as far as this page knows. */
  get isAtEnd(): boolean {
    return this.#isAtEnd;
  }

  /** The key of the last message in view; `undefined`: none. */
  get lastInView(): string | undefined {
    const { bottom } = this.#scroller.getBoundingClientRect();
    const isInView = ([, { element }]: readonly [string, MessageView]) => element.getBoundingClientRect().top < bottom;
    return [...this.#views].findLast(isInView)?.[0];
  }

  /** Shows the number of new messages further down. */
  showNew(count: number): void {
    this.#toEndLabel.textContent = count > 0 ? `Newest messages: ${count} ${count > 1 ? 'are' : 'is'} new` : LABEL;
    this.#toEndCount.textContent = String(count);
    this.#toEndCount.hidden = count === 0;
  }

  /** Prepares the view for another conversation. */
  clear(label: string): void {
    this.#views.clear();
    this.#rules.clear();
    this.#list.replaceChildren();
    this.#scroller.setAttribute('aria-label', label);
    this.#isAtEnd = true;
    this.#toEnd.hidden = true;
  }

  show(items: readonly LogItem[]): void {
    const anchor = this.#isAtEnd ? undefined : this.#anchor();
    const views = new Map<string, MessageView>();
    const rules = new Map<string, HTMLLIElement>();
    const elements = items.map((item) => {
      if (item.kind !== 'message') {
        const rule = this.#rules.get(item.key) ?? createRule(item.kind);
        rules.set(item.key, rule);
        find('span', HTMLElement, rule).textContent = item.text;
        return rule;
      }
      const view = this.#views.get(item.key) ?? createMessageView(() => this.#handlers.onAgain(item.key));
      views.set(item.key, view);
      view.show(item.entry, item.appearance);
      return view.element;
    });
    this.#views = views;
    this.#rules = rules;
    arrange(this.#list, elements);
    if (anchor) this.#scroller.scrollTop += anchor.element.getBoundingClientRect().top - anchor.top;
    else this.scrollToEnd();
    this.#onScroll();
  }

  scrollToEnd(): void {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#isAtEnd = true;
    this.#toEnd.hidden = true;
  }

  /** Scrolls a message into view and highlights it. */
  reveal(key: string): void {
    const element = this.#views.get(key)?.element;
    if (!element) return;
    element.scrollIntoView({ block: 'center' });
    for (const { element: other } of this.#views.values()) other.classList.toggle('found', other === element);
    element.tabIndex = -1;
    element.focus({ preventScroll: true });
    this.#onScroll();
  }

  /** Returns the uppermost visible message and its position, to keep it in place. */
  #anchor(): { readonly element: Element; readonly top: number } | undefined {
    const { top } = this.#scroller.getBoundingClientRect();
    for (const { element } of this.#views.values()) {
      const box = element.getBoundingClientRect();
      if (box.bottom > top) return { element, top: box.top };
    }
    return undefined;
  }

  #onScroll(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    this.#isAtEnd = scrollHeight - scrollTop - clientHeight < NEAR_PX;
    this.#toEnd.hidden = this.#isAtEnd;
    if (scrollTop < EARLIER_PX && !this.#isAtEnd) this.#handlers.onEarlier();
    this.#handlers.onScroll();
  }
}

/** A line with a label between messages. */
function createRule(kind: 'day' | 'new'): HTMLLIElement {
  const rule = document.createElement('li');
  rule.className = `rule ${kind}`;
  rule.append(document.createElement('span'));
  return rule;
}
