/**
 * Lets the packages that most commands need be loaded from the one file that `build.ts` has made of each: to find and
 * open the thousand files of theirs takes more of a start than all the rest of it.
 */
import { hash } from 'node:crypto'
import { readFileSync, realpathSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Where the bundles are. */
export const BUILT = join(import.meta.dirname, 'built')
const ROOT = join(import.meta.dirname, '../..')

/** What `build.ts` has made, as it stands beside it. */
export interface Made {
  readonly installation: string
  /** The bundle of a package, by the file of it that would be loaded otherwise, both from where they lie. */
  readonly bundles: { readonly [file: string]: string }
}
export const MADE = join(BUILT, 'made.json')
/** All the files that are in them, from where the packages lie. */
export const FILES = join(BUILT, 'files.json')

/** Which packages are installed here. What was made of others is left alone. */
export function installation(): string {
  return hash('sha256', readFileSync(join(ROOT, 'package-lock.json')))
}

/** Where the packages are. */
export function packagesFolder(): string {
  return realpathSync(join(ROOT, 'node_modules'))
}

/**
 * From now on whoever imports a package of ours gets its bundle. Without bundles, or with those of another installation,
 * everything is loaded as it is: the same code, only slower. Others' copies of a package are never touched.
 */
export function useBundles(): void {
  const bundles = made()
  if (bundles.size === 0) return
  registerHooks({
    resolve(specifier, context, next) {
      const found = next(specifier, context)
      // What is asked for by `require` wants the package's own module.exports.
      const bundle = context.conditions.includes('import') ? bundles.get(found.url) : undefined
      return bundle === undefined ? found : { url: bundle, format: 'module', shortCircuit: true }
    },
  })
}

/** Bundles by the address of the file that they stand for. */
function made(): ReadonlyMap<string, string> {
  try {
    const made: Made = JSON.parse(readFileSync(MADE, 'utf8'))
    if (made.installation !== installation()) return new Map()
    const packages = packagesFolder()
    return new Map(
      Object.entries(made.bundles).map(([file, bundle]) => [
        pathToFileURL(join(packages, file)).href,
        pathToFileURL(join(BUILT, bundle)).href,
      ]),
    )
  } catch {
    // Nothing was built here, or what it was built of is elsewhere.
    return new Map()
  }
}
