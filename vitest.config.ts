import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

// What Node has compiled once, the workers and the processes that tests start find again.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('node_modules/.cache/switchboard', import.meta.url))

/** A browser keeps a processor busy by itself; no test of crashes or of time runs beside one. */
const BROWSER = 'test/browser/**/*.test.ts'
/** What breaks lines by the hundred, or measures: with nothing beside it. */
const ALONE = ['test/browser/budgets.test.ts', 'test/browser/chaos.test.ts', 'test/browser/crowd.test.ts']

export default defineConfig({
  test: {
    maxWorkers: 2,
    // A worker keeps what it has loaded from file to file: loading it again took half of all time. So a file's hooks
    // stand in the file itself, and what it changes for all (the environment, timers) it puts back.
    isolate: false,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          include: ['test/**/*.test.ts', 'plugins/**/*.test.ts'],
          exclude: [BROWSER],
          sequence: { groupOrder: 0 },
        },
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
