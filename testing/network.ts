/** Who has a network. */
export interface Network {
  isUp(user: string | undefined): boolean;
  /** @param user Default: everybody. */
  cut(user?: string): void;
  /** @param user Default: everybody. */
  restore(user?: string): void;
  /** Resolves when the user has a network. */
  reaches(user: string | undefined): Promise<void>;
}

export function createNetwork(): Network {
  const exceptions = new Map<string | undefined, boolean>();
  let isUpForAll = true;
  let waiting: { readonly user: string | undefined; readonly goOn: () => void }[] = [];
  const isUp = (user: string | undefined) => exceptions.get(user) ?? isUpForAll;
  const set = (isNowUp: boolean, user: string | undefined) => {
    if (user !== undefined) exceptions.set(user, isNowUp);
    else {
      exceptions.clear();
      isUpForAll = isNowUp;
    }
    const all = waiting;
    waiting = [];
    for (const each of all) {
      if (isUp(each.user)) each.goOn();
      else waiting.push(each);
    }
  };
  return {
    isUp,
    cut: (user) => set(false, user),
    restore: (user) => set(true, user),
    async reaches(user) {
      if (!isUp(user)) await new Promise<void>((goOn) => waiting.push({ user, goOn }));
    },
  };
}
