import { find, fromTemplate, showAvatar } from './dom.ts';
import { createMessageView, type MessageContent, type MessageView } from './message-view.ts';

/** What was said with one person, and their entry in the list. */
export interface Conversation {
  readonly name: string;
  /** Services write to users, but cannot be written to. */
  readonly canReply: boolean;
  readonly unread: number;
  /** Shows the conversation, or hides it; while it is shown, nothing in it is unread. */
  show(shown: boolean): void;
  add(content: MessageContent, onAgain?: () => void): MessageView;
}

export interface ConversationOptions {
  readonly name: string;
  readonly canReply: boolean;
  readonly onOpen: () => void;
}

export function createConversation({ name, canReply, onOpen }: ConversationOptions): Conversation {
  const entry = createEntry(name, onOpen);
  const log = createLog(name);
  let shown = false;
  let unread = 0;
  const setUnread = (count: number) => {
    unread = count;
    entry.showUnread(count);
  };
  return {
    name,
    canReply,
    get unread() {
      return unread;
    },
    show: (show) => {
      shown = show;
      log.element.hidden = !show;
      entry.showCurrent(show);
      if (show) setUnread(0);
      if (show) log.scrollToEnd();
    },
    add: (content, onAgain) => {
      const view = createMessageView(content, onAgain);
      const own = content.author === undefined;
      const followed = own || log.isAtEnd();
      log.element.append(view.element);
      entry.showLast(own ? `You: ${content.text}` : content.text);
      if (!shown && !own) setUnread(unread + 1);
      if (followed) log.scrollToEnd();
      return view;
    },
  };
}

function createLog(name: string) {
  const logs = find('#logs', HTMLElement);
  const element = document.createElement('ol');
  element.className = 'log';
  element.hidden = true;
  element.setAttribute('role', 'log');
  element.setAttribute('aria-label', `Messages with ${name}`);
  element.setAttribute('aria-relevant', 'additions');
  logs.append(element);
  return {
    element,
    isAtEnd: () => logs.scrollHeight - logs.scrollTop - logs.clientHeight < 48,
    scrollToEnd: () => {
      logs.scrollTop = logs.scrollHeight;
    },
  };
}

function createEntry(name: string, onOpen: () => void) {
  const element = fromTemplate('#person-template');
  const button = find('button', HTMLButtonElement, element);
  const unread = find('.unread', HTMLElement, element);
  showAvatar(find('.avatar', HTMLElement, element), name);
  find('.person-name', HTMLElement, element).textContent = name;
  button.addEventListener('click', onOpen);
  const list = find('#people', HTMLUListElement);
  list.prepend(element);
  return {
    showCurrent: (current: boolean) => {
      if (current) button.setAttribute('aria-current', 'true');
      else button.removeAttribute('aria-current');
    },
    showUnread: (count: number) => {
      unread.hidden = count === 0;
      unread.textContent = String(count);
      unread.setAttribute('aria-label', `${count} unread`);
    },
    showLast: (text: string) => {
      find('.person-last', HTMLElement, element).textContent = text;
    },
  };
}
