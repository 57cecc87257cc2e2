/** Returns the element of `index.html` with this selector and type. */
export function find<T extends Element>(selector: string, type: new () => T, root: ParentNode = document): T {
  const element = root.querySelector(selector);
  if (element instanceof type) return element;
  throw new Error(`index.html has no ${type.name} "${selector}"`);
}

/** Copies the content of a `<template>`. */
export function fromTemplate(selector: string): HTMLLIElement {
  const { content } = find(selector, HTMLTemplateElement);
  return find('li', HTMLLIElement, document.importNode(content, true));
}

/** Handles an event, and prevents the browser's own action. */
export function listen(target: EventTarget, type: string, handle: () => void, signal: AbortSignal): void {
  const onEvent = (event: Event) => {
    event.preventDefault();
    handle();
  };
  target.addEventListener(type, onEvent, { signal });
}

/** Shows these elements in this order with the fewest moves, so the focus stays. */
export function arrange(list: HTMLElement, wanted: readonly Element[]): void {
  const focused = document.activeElement;
  const kept = new Set(wanted);
  for (const child of [...list.children]) if (!kept.has(child)) child.remove();
  let next = list.firstElementChild;
  for (const element of wanted) {
    if (element === next) next = next.nextElementSibling;
    else list.insertBefore(element, next);
  }
  if (focused instanceof HTMLElement && focused !== document.activeElement && list.contains(focused)) {
    focused.focus({ preventScroll: true });
  }
}
