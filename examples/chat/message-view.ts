import type { Delivery } from './delivery.ts';
import { find, fromTemplate } from './dom.ts';
import type { Appearance } from './log-items.ts';
import type { Entry } from './timeline.ts';
import { describeClock } from './times.ts';

/** One message in a conversation. */
export interface MessageView {
  readonly element: HTMLLIElement;
  show(entry: Entry, appearance: Appearance): void;
}

/** @param onAgain Called when the user wants to send a failed message again. */
export function createMessageView(onAgain: () => void): MessageView {
  const element = fromTemplate('#message-template');
  const author = find('.author', HTMLElement, element);
  const bubble = find('.bubble', HTMLElement, element);
  const time = find('time', HTMLTimeElement, element);
  const icon = find('.icon', SVGElement, element);
  const use = find('use', SVGUseElement, element);
  const words = find('.delivery', HTMLElement, element);
  const again = find('.again', HTMLButtonElement, element);
  again.addEventListener('click', onAgain);

  const showDelivery = (delivery: Delivery | undefined) => {
    if (element.dataset['delivery'] === delivery?.state && words.textContent === delivery?.text) return;
    icon.toggleAttribute('hidden', delivery === undefined);
    if (delivery) element.dataset['delivery'] = delivery.state;
    use.setAttribute('href', `#icon-${delivery?.state ?? 'sent'}`);
    words.textContent = delivery?.text ?? '';
    again.hidden = delivery?.state !== 'failed';
  };
  return {
    element,
    show: (entry, { isNamed, continues, isContinued, delivery }) => {
      element.classList.toggle('own', entry.isOwn);
      element.classList.toggle('continues', continues);
      element.classList.toggle('continued', isContinued);
      author.classList.toggle('visually-hidden', !isNamed);
      author.textContent = entry.isOwn ? 'You' : entry.author;
      bubble.textContent = entry.text;
      time.dateTime = new Date(entry.sentAt).toISOString();
      time.textContent = describeClock(entry.sentAt);
      showDelivery(delivery);
    },
  };
}
