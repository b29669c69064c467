import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

// What Node has compiled once, the workers and the processes that tests start find again.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('node_modules/.cache/switchboard', import.meta.url))

/** A browser keeps a processor busy by itself; no test of crashes or of time runs beside one. */
const BROWSER = 'test/browser/**/*.test.ts'
/** What breaks lines by the hundred, or measures: with nothing beside it. */
const ALONE = [
  'test/browser/budgets.test.ts',
  'test/browser/chaos.test.ts',
  'test/browser/crowd.test.ts',
  'test/browser/desk-budgets.test.ts',
  'test/browser/desk-crowd.test.ts',
]
/** What is written for browsers: JSX, and modules that a test loads anew. Only Vite can do that. */
const FACES = ['plugins/desks/desk/workbench/**/*.test.{ts,tsx}', 'plugins/channels/web/widget/**/*.test.ts']
/** Long, however short the file is: begun last, one of these would run on when everything else is done. */
const LONG =
  /crash\/|replay\/day|rehearsal\/(?:command|shipped)|(?:command-line|reload-command|pictures|watchdog)\.test/

/** As vitest would, with what takes long first. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isLong = ({ moduleId }: TestSpecification) => LONG.test(moduleId)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}

export default defineConfig({
  test: {
    maxWorkers: 2,
    // A worker keeps what it has loaded from file to file: loading it again took half of all time. So a file's hooks
    // stand in the file itself, and what it changes for all (the environment, timers) it puts back.
    isolate: false,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // What must come is waited for as long as a busy machine may take.
    expect: { poll: { timeout: 10_000 } },
    sequence: { sequencer: LongFirst },
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          include: ['test/**/*.test.ts', 'plugins/**/*.test.ts'],
          exclude: [BROWSER, ...ALONE, ...FACES],
          // As Node loads it when it is in use, which costs a tenth less than by way of Vite.
          experimental: { viteModuleRunner: false },
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: 'faces', include: FACES, sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        test: { name: 'browser', include: [BROWSER], exclude: ALONE, sequence: { groupOrder: 1 } },
      },
      {
        extends: true,
        test: { name: 'alone', include: ALONE, maxWorkers: 1, sequence: { groupOrder: 2 } },
      },
    ],
  },
})
