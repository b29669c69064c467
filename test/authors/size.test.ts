import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import externalHelpdesk from './external-helpdesk.ts'
import form from './form.ts'
import idleClose from './idle-close.ts'
import rateLimit from './rate-limit.ts'
import satisfaction from './satisfaction.ts'
import smallLlm from './small-llm.ts'
import telegram from './telegram.ts'
import transcription from './transcription.ts'

const plugins = [externalHelpdesk, form, idleClose, rateLimit, satisfaction, smallLlm, telegram, transcription]
const read = (file: string) => readFileSync(join(import.meta.dirname, file), 'utf8')
const importsOf = (text: string) =>
  [...text.matchAll(/^(?:import|export)\s[^'"]*?from '([^']+)'$/gm)].map(([, of]) => of)

test('there are eight plugins of every kind, each in a file with its name and with tests', () => {
  expect(plugins).toHaveLength(8)
  expect(new Set(plugins.map(({ kind }) => kind))).toEqual(new Set(['feature', 'bot', 'desk', 'channel']))
  const files = readdirSync(import.meta.dirname)
  expect(files).toEqual(expect.arrayContaining(plugins.flatMap(({ name }) => [`${name}.ts`, `${name}.test.ts`])))
})

test.each(plugins)('$name is short: a channel under 100 lines, any other under 50', ({ name, kind }) => {
  const lines = read(`${name}.ts`).trimEnd().split('\n')
  expect(lines.length).toBeLessThan(kind === 'channel' ? 100 : 50)
  expect(lines.filter((line) => line.length > 120)).toEqual([])
})

test.each(plugins)('$name is written from outside: it and its tests know the core by its doors', ({ name }) => {
  const imports = importsOf(read(`${name}.ts`))
  expect(imports).toContain('#core')
  expect(imports.filter((of) => of !== '#core' && !of?.startsWith('node:'))).toEqual([])
  const ofTest = importsOf(read(`${name}.test.ts`))
  expect(ofTest).toContain('#core/testing')
  expect(ofTest.filter((of) => !/^(#core|#core\/testing|vitest|node:.*|\.\/[a-z-]+\.ts)$/.test(of ?? ''))).toEqual([])
})
