import { defineConfig } from 'vitest/config';

const suite = (name: string, include: string[], more = {}) => ({ test: { name, include, ...more } });

/** Runs after the others: whoever wears the machine down, or looks at what happens meanwhile, has it to itself. */
const alone = (groupOrder: number) => ({ sequence: { groupOrder } });

/** One project a suite, so that a run names each. */
export default defineConfig({
  test: {
    // Much of what a suite does is waiting for processes of its own: as many at a time as there are cores.
    maxWorkers: '100%',
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
        globalSetup: 'test/support/synthesize.ts',
        testTimeout: 30_000,
        hookTimeout: 60_000,
      }),
      suite('browser', ['test/browser/**/*.test.ts'], {
        ...alone(1),
        // A browser has processes enough for all the cores.
        maxWorkers: 1,
        globalSetup: 'test/support/synthesize.ts',
        testTimeout: 60_000,
        hookTimeout: 60_000,
      }),
      suite('chaos', ['test/chaos/**/*.test.ts'], {
        ...alone(2),
        globalSetup: 'test/support/synthesize.ts',
        testTimeout: 180_000,
      }),
      suite('fuzz', ['test/fuzz/**/*.test.ts'], {
        ...alone(3),
        globalSetup: 'test/support/synthesize.ts',
        testTimeout: 120_000,
        hookTimeout: 60_000,
      }),
      suite('model', ['test/model/**/*.test.ts'], { testTimeout: 300_000 }),
      suite('guard', ['test/guard/**/*.test.ts'], { globalSetup: 'test/support/synthesize.ts', testTimeout: 60_000 }),
    ],
  },
});
