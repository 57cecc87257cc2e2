import { find, fromTemplate } from './dom.ts';
import type { Delivery } from './words.ts';

export interface MessageContent {
  /** `undefined`: it is one's own. */
  readonly author: string | undefined;
  readonly text: string;
  readonly sentAt: number;
}

/** One message in a conversation. */
export interface MessageView {
  readonly element: HTMLLIElement;
  showDelivery(delivery: Delivery): void;
}

/** @param onAgain Called when the user wants a message that was dropped sent again. */
export function createMessageView({ author, text, sentAt }: MessageContent, onAgain?: () => void): MessageView {
  const element = fromTemplate('#message-template');
  element.classList.toggle('own', author === undefined);
  find('.author', HTMLElement, element).textContent = `${author ?? 'You'}: `;
  find('.bubble', HTMLElement, element).textContent = text;
  const time = find('time', HTMLTimeElement, element);
  time.dateTime = new Date(sentAt).toISOString();
  time.textContent = new Date(sentAt).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  const icon = find('.icon', SVGElement, element);
  const again = find('.again', HTMLButtonElement, element);
  again.addEventListener('click', () => onAgain?.());
  return {
    element,
    showDelivery: (delivery) => {
      element.dataset['delivery'] = delivery.status;
      icon.removeAttribute('hidden');
      find('use', SVGUseElement, element).setAttribute('href', `#icon-${delivery.status}`);
      find('.delivery', HTMLElement, element).textContent = delivery.text;
      again.hidden = delivery.status !== 'dropped';
    },
  };
}
