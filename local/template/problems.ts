/** Where in an application something is written. */
export interface Place {
  readonly stackName: string;
  /** `resource OnConnect`, `output WebSocketUrl`, `condition IsProd`; absent for the stack as a whole. */
  readonly element?: string;
  /** `Properties.Environment.Variables.TABLE` */
  readonly path?: string;
}

/** The place of `key` inside the value at `place`. */
export function at(place: Place, key: string | number): Place {
  const step = typeof key === 'number' ? `[${key}]` : place.path ? `.${key}` : key;
  return { ...place, path: `${place.path ?? ''}${step}` };
}

/** One sentence: where, then what is wrong. */
export function sentence(place: Place, problem: string): string {
  const parts = [`stack ${place.stackName}`, place.element, place.path].filter((part) => part !== undefined);
  return `${parts.join(', ')}: ${problem}`;
}

/** An application that cannot be deployed. `problems` holds one sentence for each thing wrong with it. */
export class DeployError extends Error {
  override readonly name = 'DeployError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[], options?: ErrorOptions) {
    super(problems.length === 1 ? problems[0] : [`${problems.length} problems:`, ...problems].join('\n  - '), options);
    this.problems = problems;
  }
}

/** Collects problems, so that all of them are reported together. */
export interface Problems {
  add(place: Place, problem: string): void;
  /** Adds a problem that says its own place. */
  addSentence(problem: string): void;
  /** Throws a {@link DeployError} if there are any. */
  throwIfAny(): void;
}

export function createProblems(): Problems {
  const found = new Set<string>();
  return {
    add: (place, problem) => void found.add(sentence(place, problem)),
    addSentence: (problem) => void found.add(problem),
    throwIfAny() {
      if (found.size > 0) throw new DeployError([...found]);
    },
  };
}
