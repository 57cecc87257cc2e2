/** The element that `index.html` has for the selector, of the type that it is there. */
export function find<T extends Element>(selector: string, type: new () => T, root: ParentNode = document): T {
  const element = root.querySelector(selector);
  if (element instanceof type) return element;
  throw new Error(`index.html has no ${type.name} "${selector}"`);
}

/** A copy of what is in a `<template>`. */
export function fromTemplate(selector: string): HTMLLIElement {
  const { content } = find(selector, HTMLTemplateElement);
  return find('li', HTMLLIElement, document.importNode(content, true));
}

/** Makes an avatar of somebody: the first letter of the name, on a colour that the name always has. */
export function showAvatar(avatar: HTMLElement, name: string): void {
  const [initial = '?'] = name;
  avatar.textContent = initial.toUpperCase();
  avatar.style.setProperty('--hue', String(hueOf(name)));
}

function hueOf(name: string): number {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 65_521;
  // The golden angle: names that are alike get colours that are not.
  return Math.round(hash * 137.508) % 360;
}
