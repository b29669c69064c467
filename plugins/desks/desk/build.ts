/**
 * Makes what browsers load of the desk: `node plugins/desks/desk/build.ts` (`npm run build`, and by itself after
 * `npm ci`). Twice is the same as once.
 */
import { join } from 'node:path'
import { bundle, writeFiles } from '../../../build/bundle.ts'

const outputs = await bundle('The desk', {
  root: join(import.meta.dirname, 'workbench'),
  // The page is served at the address of the desk, whatever that is called.
  base: './',
  // Unlike the chat's, its styles say `light-dark()`, which browsers of before 2024 are told in other words.
  css: {},
  build: {
    target: 'es2022',
    cssTarget: 'chrome111',
    // The page names all that its first script imports, so that nothing is asked for one after the other.
    modulePreload: { polyfill: false },
    assetsDir: '',
    rolldownOptions: { input: join(import.meta.dirname, 'workbench/index.html') },
  },
})
writeFiles(
  join(import.meta.dirname, 'built'),
  new Map(outputs.map((one) => [one.fileName, one.type === 'chunk' ? one.code : one.source])),
)
