import { expect, it } from 'vitest';
import { abortWith, reasonOf, throwIfAborted } from '../../../client/base/abort.ts';
import { unlessAborted } from '../../../client/base/timer.ts';

/** As React Native has it: it neither takes nor tells a reason. */
class WordlessController extends AbortController {
  constructor() {
    super();
    Object.defineProperty(this.signal, 'reason', { value: undefined });
    Object.defineProperty(this.signal, 'throwIfAborted', { value: undefined });
  }
}

it.each([AbortController, WordlessController])(
  'a signal of a %o has the reason that it was aborted with',
  async (Made) => {
    const controller = new Made();
    throwIfAborted(controller.signal);
    throwIfAborted(undefined);
    abortWith(controller, new Error('mine'));
    expect(reasonOf(controller.signal)).toEqual(new Error('mine'));
    expect(() => throwIfAborted(controller.signal)).toThrow('mine');
    await expect(unlessAborted(new Promise(() => {}), controller.signal)).rejects.toThrow('mine');
  },
);

it.each([AbortController, WordlessController])('without one, it is an AbortError: %o', (Made) => {
  const controller = new Made();
  controller.abort();
  expect(() => throwIfAborted(controller.signal)).toThrow(expect.objectContaining({ name: 'AbortError' }));
  expect(reasonOf(controller.signal)).toMatchObject({ name: 'AbortError' });
});
