#!/usr/bin/env node
// The command. Plain JavaScript that any Node can read, so that an old one can be told what to do.
const wanted = 26
const found = Number(process.versions.node.split('.')[0])
if (found >= wanted) {
  // What Node has compiled once, types stripped, it finds again at the next start: half the time to begin. It lies with
  // the packages, or where NODE_COMPILE_CACHE says; where nothing can be written, Node goes without. Threads look only
  // at the variable.
  const kept = new URL('../node_modules/.cache/switchboard', import.meta.url)
  Promise.all([import('node:module'), import('node:url')])
    .then(([{ enableCompileCache }, { fileURLToPath }]) => {
      process.env.NODE_COMPILE_CACHE = process.env.NODE_COMPILE_CACHE || fileURLToPath(kept)
      enableCompileCache()
    })
    .then(() => import('./main.ts'))
    .then(({ main }) => main(process.argv.slice(2)))
} else {
  console.error(
    [
      `Switchboard needs Node ${wanted} or newer, and this is Node ${process.versions.node}.`,
      'Start it with npm, which brings the right one:  npm ci && npm start',
      `or with the one that npm ci has put here:        node_modules/.bin/node core/switchboard.js ${process.argv.slice(2).join(' ')}`,
      '',
      `Switchboard 需要 Node ${wanted} 或更新版本，当前是 Node ${process.versions.node}。请用 npm ci && npm start 启动。`,
    ].join('\n'),
  )
  process.exitCode = 2
}
