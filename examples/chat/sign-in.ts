import type { Config } from './config.ts';
import { find } from './dom.ts';
import { type GetToken, readToken, tokensFor } from './tokens.ts';

/** A user who wants to sign in. */
export interface Visitor {
  readonly name: string;
  readonly getToken: GetToken;
}

export interface SignInHandlers {
  onSignIn(visitor: Visitor): void;
  onCancel(): void;
}

/** The sign-in form: by name where an issuer gives tokens, else with a token. */
export interface SignIn {
  /** Shows the form, with a problem if there is one, or hides it. */
  show(shown: boolean, problem?: string): void;
  /** Shows that the sign-in is under way, and why it takes long. */
  showBusy(trouble?: string): void;
}

export function createSignIn({ tokenUrl }: Pick<Config, 'tokenUrl'>, handlers: SignInHandlers): SignIn {
  const byName = tokenUrl !== undefined;
  const field = byName ? find('#name', HTMLInputElement) : find('#token', HTMLTextAreaElement);
  const problem = find('#sign-in-problem', HTMLElement);
  const button = find('#sign-in-button', HTMLButtonElement);
  const cancel = find('#cancel-button', HTMLButtonElement);
  find('#name-field', HTMLElement).hidden = !byName;
  find('#token-field', HTMLElement).hidden = byName;

  const setBusy = (busy: boolean) => {
    field.readOnly = button.disabled = busy;
    button.textContent = busy ? 'Signing in…' : 'Sign in';
    cancel.hidden = !busy;
  };
  const showProblem = (text: string) => {
    problem.textContent = text;
    field.setAttribute('aria-invalid', String(text !== ''));
  };
  const show = (shown: boolean, text = '') => {
    find('#sign-in', HTMLElement).hidden = !shown;
    // Clear the field after the sign-in, because it may contain a token.
    if (!shown) field.value = '';
    setBusy(false);
    showProblem(text);
    if (shown) field.focus();
  };
  find('#sign-in-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    const visitor = tokenUrl === undefined ? visitorWithToken(field.value) : visitorNamed(field.value, tokenUrl);
    if ('problem' in visitor) show(true, visitor.problem);
    else handlers.onSignIn(visitor);
  });
  cancel.addEventListener('click', () => handlers.onCancel());
  field.addEventListener('input', () => showProblem(''));
  return {
    show,
    showBusy: (trouble = '') => {
      setBusy(true);
      problem.textContent = trouble;
    },
  };
}

/** Signs in by name, where a name is enough. */
export function visitorNamed(typed: string, tokenUrl: string): Visitor | { readonly problem: string } {
  const name = typed.trim();
  if (name === '') return { problem: 'Say who you are: a name is needed.' };
  return { name, getToken: tokensFor(name, tokenUrl) };
}

function visitorWithToken(pasted: string): Visitor | { readonly problem: string } {
  const token = pasted.trim();
  if (token === '') return { problem: 'A token is needed.' };
  const read = readToken(token);
  return 'problem' in read ? read : { name: read.name, getToken: () => token };
}
