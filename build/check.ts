/**
 * Checks the types of every part, the format and the style: `npm run check`. As many at a time as there are processors,
 * the longest first; tells what each one found, and exits with 1 if one found something.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { text } from 'node:stream/consumers'

/** Parts whose types are checked by themselves: what runs in a browser knows nothing of Node, its tests do. */
const PARTS = [
  '.',
  'plugins/desks/desk/workbench',
  'plugins/desks/desk/workbench/tsconfig.test.json',
  'plugins/channels/web/widget',
  'plugins/channels/web/widget/tsconfig.test.json',
  'plugins/channels/wechat/simulated-platform/page',
  'test/browser/page',
]

/** Each on one processor: what several check at once, each of them has to learn by itself. */
const types = PARTS.map((part, i) => {
  const known = `node_modules/.cache/tsc-${i}.json`
  return ['tsc', '-p', part, '--checkers', '1', '--incremental', '--tsBuildInfoFile', known]
})
const left = [...types, ['biome', 'check', '.']]

async function work(): Promise<void> {
  for (let next = left.shift(); next !== undefined; next = left.shift()) {
    const [command = '', ...args] = next
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const [out, err, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
    process.stdout.write(out)
    process.stderr.write(err)
    if (status !== 0) process.exitCode = 1
  }
}

await Promise.all(Array.from({ length: availableParallelism() }, work))
