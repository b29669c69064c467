#!/usr/bin/env node
// The command. Plain JavaScript that any Node can read, so that an old one can be told what to do.
const wanted = 26
const found = Number(process.versions.node.split('.')[0])
if (found >= wanted) {
  // What Node has compiled once, types stripped, it finds again at the next start: half the time to begin.
  import('node:module')
    .then(({ enableCompileCache }) => enableCompileCache())
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
