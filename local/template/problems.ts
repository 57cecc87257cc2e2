/** A place in an application. */
export interface Place {
  readonly stackName: string;
  /** `resource OnConnect`, `output WebSocketUrl`, `condition IsProd`. Absent for the whole stack. */
  readonly element?: string;
  /** `Properties.Environment.Variables.TABLE` */
  readonly path?: string;
}

/** Returns the place of `key` inside the value at `place`. */
export function at(place: Place, key: string | number): Place {
  const step = typeof key === 'number' ? `[${key}]` : place.path ? `.${key}` : key;
  return { ...place, path: `${place.path ?? ''}${step}` };
}

/** Makes one sentence of a place and a problem. */
export function sentence(place: Place, problem: string): string {
  const parts = [`stack ${place.stackName}`, place.element, place.path].filter((part) => part !== undefined);
  return `${parts.join(', ')}: ${problem}`;
}

/** A failed deployment. `problems` has one sentence for each problem. */
export class DeployError extends Error {
  override readonly name = 'DeployError';
  readonly problems: readonly string[];
  /** Whether the option `partial` would leave out some of the resources. */
  readonly canLeaveOut: boolean;

  constructor(problems: readonly string[], canLeaveOut = false) {
    super(problems.length === 1 ? problems[0] : [`${problems.length} problems:`, ...problems].join('\n  - '));
    this.problems = problems;
    this.canLeaveOut = canLeaveOut;
  }
}

/** Collects problems, to report them together. */
export interface Problems {
  add(place: Place, problem: string): void;
  /** Adds a problem that contains its place. */
  addSentence(problem: string): void;
  /** Adds the reason why a resource fails. It is no problem if such resources are left out. */
  addRefusal(problem: string): void;
  /** Returns the number of problems, without refusals. */
  count(): number;
  /** @throws DeployError if there are problems */
  throwIfAny(): void;
}

/** @param partial whether resources that fail are left out */
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
