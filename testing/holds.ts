/** Which way a frame goes. */
export type Direction = 'toServer' | 'toClient';

/** A frame on its way. */
export interface FrameInTransit {
  /** Of the connection. */
  readonly user: string;
  readonly direction: Direction;
  /** The action of a frame to the server, the type of a frame to a client; `close` for the end of the connection. */
  readonly name: string;
}

/** Which frames to hold. What is absent holds frames of every kind. */
export interface HoldOptions {
  readonly user?: string;
  readonly direction?: Direction;
  /** The action of frames to the server, such as `sendMessage`, or the type of frames to clients, such as `messages`. */
  readonly frame?: string;
}

/** Frames that wait. */
export interface Hold {
  /** The names of the frames that wait, in their order. */
  readonly frames: readonly string[];
  /** Resolves when so many frames wait. Default: 1. */
  caught(count?: number): Promise<void>;
  /** Lets them go on, in their order, and holds nothing more. */
  release(): void;
}

export interface Holds {
  add(options?: HoldOptions): Hold;
  /** Delivers a frame: now, or when it is released. */
  pass(frame: FrameInTransit, deliver: () => void): void;
}

interface Held {
  readonly frame: FrameInTransit;
  readonly deliver: () => void;
}

export function createHolds(): Holds {
  const holds = new Map<HoldOptions, { add(held: Held): void }>();
  const pass: Holds['pass'] = (frame, deliver) => {
    const found = [...holds].find(([options]) => matches(options, frame));
    if (found) found[1].add({ frame, deliver });
    else deliver();
  };
  return {
    pass,
    add({ ...options } = {}) {
      const held: Held[] = [];
      const waiting = new Set<() => void>();
      holds.set(options, {
        add(frame) {
          held.push(frame);
          for (const look of waiting) look();
        },
      });
      return {
        get frames() {
          return held.map(({ frame }) => frame.name);
        },
        caught: (count = 1) =>
          new Promise((resolve) => {
            const look = () => held.length >= count && resolve();
            waiting.add(look);
            look();
          }),
        release() {
          holds.delete(options);
          // Another hold may want them.
          for (const { frame, deliver } of held.splice(0)) pass(frame, deliver);
        },
      };
    },
  };
}

function matches({ user, direction, frame: name }: HoldOptions, frame: FrameInTransit): boolean {
  const wanted = [user ?? frame.user, direction ?? frame.direction, name ?? frame.name];
  return wanted.join('\n') === [frame.user, frame.direction, frame.name].join('\n');
}
