import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const suite = (name: string, include: string[], more = {}) => ({
  test: { name, include, ...group(0, CORES), ...more },
});

/** The suites run one after the other where each needs the machine for itself, or another number of workers. */
const group = (groupOrder: number, maxWorkers: number) => ({ sequence: { groupOrder }, maxWorkers });

const CORES = availableParallelism();

/** Much of what an end-to-end test does is waiting: one more at a time than there are cores keeps them busy. */
const WAITING = CORES + 1;

/** One project a suite, so that a run names each. */
export default defineConfig({
  test: {
    env: {
      // Node 20 runs everything here; on AWS the handlers run on a version that the SDK does not warn about.
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      // The CDK's own checks of a template take seconds for each; `cdk synth` makes them, and cdk-nag is asked directly.
      CDK_VALIDATION: 'false',
    },
    projects: [
      suite('unit', ['test/unit/**/*.test.ts'], { testTimeout: 20_000 }),
      suite('contract', ['test/contract/**/*.test.ts'], { testTimeout: 20_000 }),
      suite('conformance', ['test/conformance/**/*.test.ts'], { testTimeout: 20_000 }),
      suite('template', ['test/template/**/*.test.ts'], { testTimeout: 60_000, hookTimeout: 60_000 }),
      suite('e2e', ['test/e2e/**/*.test.ts'], {
        ...group(1, WAITING),
        globalSetup: 'test/support/synthesize.ts',
        testTimeout: 30_000,
        hookTimeout: 60_000,
      }),
      suite('browser', ['test/browser/**/*.test.ts'], {
        // A browser has processes enough for all the cores.
        ...group(2, 1),
        globalSetup: 'test/support/synthesize.ts',
        testTimeout: 60_000,
        hookTimeout: 60_000,
      }),
      suite('chaos', ['test/chaos/**/*.test.ts'], {
        ...group(3, 1),
        globalSetup: 'test/support/synthesize.ts',
        testTimeout: 180_000,
      }),
      suite('fuzz', ['test/fuzz/**/*.test.ts'], {
        ...group(4, 1),
        globalSetup: 'test/support/synthesize.ts',
        testTimeout: 120_000,
        hookTimeout: 60_000,
      }),
      suite('model', ['test/model/**/*.test.ts'], { testTimeout: 300_000 }),
      suite('guard', ['test/guard/**/*.test.ts'], { globalSetup: 'test/support/synthesize.ts', testTimeout: 60_000 }),
    ],
  },
});
