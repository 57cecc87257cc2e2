import type { Presence } from '../../client/index.ts';
import { kindOf, nameOf, type Place } from './place.ts';

/** Makes an avatar of a place: the first letter of the name, on the colour of that name. */
export function showAvatar(avatar: HTMLElement, place: Place): void {
  const [initial = '?'] = nameOf(place);
  avatar.textContent = 'room' in place ? '#' : initial.toUpperCase();
  avatar.dataset['kind'] = kindOf(place);
  avatar.style.setProperty('--hue', String(hueOf(nameOf(place))));
}

/** Shows on an avatar whether its user is online. `undefined`: unknown, or not a user. */
export function showPresence(avatar: HTMLElement, presence: Presence | undefined): void {
  if (presence) avatar.dataset['presence'] = presence.online ? 'online' : 'offline';
  else delete avatar.dataset['presence'];
}

function hueOf(name: string): number {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 65_521;
  // The golden angle gives similar names different colours.
  return Math.round(hash * 137.508) % 360;
}
