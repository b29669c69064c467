import { defineConfig } from 'vitest/config'

/** A browser keeps a processor busy by itself; no test of crashes or of time runs beside one. */
const BROWSER = 'test/browser/**/*.test.ts'
/** What breaks lines by the hundred, or measures: with nothing beside it. */
const ALONE = ['test/browser/budgets.test.ts', 'test/browser/chaos.test.ts', 'test/browser/crowd.test.ts']

export default defineConfig({
  test: {
    maxWorkers: 2,
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
        test: { name: 'browser', include: [BROWSER], exclude: ALONE, isolate: false, sequence: { groupOrder: 1 } },
      },
      {
        extends: true,
        test: { name: 'alone', include: ALONE, maxWorkers: 1, isolate: false, sequence: { groupOrder: 2 } },
      },
    ],
  },
})
