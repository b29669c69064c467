/**
 * Run by load.test.ts in a Node of its own. Takes a list of plugins as JSON on stdin, loads each as the runtime does,
 * and prints what became of it: what is wrong, or whether what the plugin has imported is the core that runs.
 */
import { readFileSync } from 'node:fs'
import { Finding } from '../../core/config/problems.ts'
import { DeliveryError, z } from '../../core/index.ts'
import { isPlugin, type Plugin } from '../../core/plugin.ts'
import { loadPlugin, SECTIONS } from '../../core/runtime/load.ts'

const requests = z
  .array(z.object({ use: z.string(), folder: z.string(), section: z.enum(SECTIONS), limitMs: z.number().optional() }))
  .parse(JSON.parse(readFileSync(0, 'utf8')))

const results: unknown[] = []
for (const { use, section, ...places } of requests) {
  Reflect.deleteProperty(globalThis, 'theirZod')
  const loaded = await loadPlugin(use, section, places)
  if (loaded instanceof Finding) {
    results.push({ code: loaded.code, what: loaded.what, instead: loaded.instead })
    continue
  }
  const again = await loadPlugin(use, section, places)
  results.push({
    name: loaded.plugin.name,
    isPlugin: isPlugin(loaded.plugin),
    sameError: thrownBy(loaded.plugin) instanceof DeliveryError,
    sameZod: Reflect.get(globalThis, 'theirZod') === z,
    sameTwice: !(again instanceof Finding) && again.plugin === loaded.plugin,
  })
}
process.stdout.write(JSON.stringify(results))

function thrownBy(plugin: Plugin): unknown {
  try {
    return plugin.account({})
  } catch (error) {
    return error
  }
}
