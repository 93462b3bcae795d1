// Who the browser is signed in as, and what that role may do.

import { api, credentials, type SessionInfo } from "./client";

/** What an action takes, and who may do it. */
const NEEDS = { operate: "operator", administer: "admin" } as const;
export type Right = keyof typeof NEEDS;

class Session {
  /** `null` until the server has said it. */
  info = $state.raw<SessionInfo | null>(null);
  /** Nobody is signed in, and somebody has to be. */
  out = $state(false);

  constructor() {
    credentials.lost = () => (this.out = true);
  }

  #is(info: SessionInfo): void {
    this.info = info;
    this.out = info.who === null;
    credentials.csrf = info.csrf;
  }

  async ask(): Promise<void> {
    this.#is(await api.session());
  }

  async signIn(account: string, password: string): Promise<void> {
    this.#is(await api.signIn(account, password));
  }

  /** The page is loaded anew: nothing of what was shown stays in memory. */
  async signOut(): Promise<void> {
    await api.signOut();
    location.assign("/sign-in");
  }

  /** Why the button for it is out of reach; `null` when it isn't. While nobody knows, the server is left to refuse. */
  refusal(right: Right): string | null {
    const info = this.info;
    if (info === null || info.role === null || info.may[right]) return null;
    return `Your role ${info.role} may not do this; it takes ${NEEDS[right]}. Ask whoever administers Prescale for it.`;
  }
}

export const session = new Session();
