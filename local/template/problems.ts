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
  /** Whether there are resources among them that the option `partial` would leave out. */
  readonly canLeaveOut: boolean;

  constructor(problems: readonly string[], canLeaveOut = false) {
    super(problems.length === 1 ? problems[0] : [`${problems.length} problems:`, ...problems].join('\n  - '));
    this.problems = problems;
    this.canLeaveOut = canLeaveOut;
  }
}

/** Collects problems, so that all of them are reported together. */
export interface Problems {
  add(place: Place, problem: string): void;
  /** Adds a problem that says its own place. */
  addSentence(problem: string): void;
  /** Adds the reason why a resource cannot be created: no problem where such resources are left out. */
  addRefusal(problem: string): void;
  /** How many there are, without refusals. */
  count(): number;
  /** Throws a {@link DeployError} if there are any. */
  throwIfAny(): void;
}

/** @param partial whether resources that cannot be created are left out */
export function createProblems(partial: boolean): Problems {
  const found = new Set<string>();
  const refusals = new Set<string>();
  return {
    add: (place, problem) => void found.add(sentence(place, problem)),
    addSentence: (problem) => void found.add(problem),
    addRefusal(problem) {
      if (partial || found.has(problem)) return;
      refusals.add(problem);
      found.add(problem);
    },
    count: () => found.size - refusals.size,
    throwIfAny() {
      if (found.size > 0) throw new DeployError([...found], refusals.size > 0);
    },
  };
}
