/** A checked configuration read aloud: what becomes of the messages of each route. */
import { contentOf, type Say, textOf } from '../message.ts'
import type { CheckedConfig, CheckedRoute, HandOffTriggers } from './checked.ts'
import { showPath } from './read.ts'
import { showDuration } from './units.ts'

/** One paragraph for each route, one for what does not run, and the notes of plugins. Without a newline at its end. */
export function routesInWords(config: CheckedConfig): string {
  const file = showPath(config.file)
  const paragraphs = config.routes.map((route) => `${file}:${route.line}\n${wrap(paragraph(route, config))}`)
  const idle = notRunning(config)
  const notes = config.notes.map(
    ({ file, line, what, instead }) => `${file}:${line}\n${wrap(`Note: ${what}${instead ? ` ${instead}` : ''}`)}`,
  )
  return [...paragraphs, ...(idle ? [wrap(idle)] : []), ...notes].join('\n\n')
}

function paragraph(route: CheckedRoute, config: CheckedConfig): string {
  if (route.from.length === 0) return `No channel of ${route.name} runs, so nothing comes in here.`
  return [
    `Messages from ${all(route.from)}: ${featuresInWords(route, config)}${whoAnswers(route)}`,
    ...(route.collectMs > 0 ? [`What comes within ${showDuration(route.collectMs)} is answered together.`] : []),
    ...handingOver(route, config),
  ].join(' ')
}

/** Who has a say before the route's own bot or people. */
function featuresInWords({ from }: CheckedRoute, { features }: CheckedConfig): string {
  const names = features.flatMap((feature) => {
    const here = from.filter((channel) => feature.for?.includes(channel) ?? true)
    if (here.length === 0) return []
    return [here.length === from.length ? feature.name : `${feature.name} (only ${all(here)})`]
  })
  if (names.length === 0) return ''
  return `first ${all(names)} ${names.length === 1 ? 'has its' : 'have their'} say, then `
}

function whoAnswers(route: CheckedRoute): string {
  switch (route.mode) {
    case 'bot-only':
      return `${bots(route.bots)}, and nobody else.`
    case 'bot-first':
      return `${bots(route.bots)}.`
    case 'agent-only':
      return `people at ${desk(route)} answer.`
    case 'cooperation':
      return `people at ${desk(route)} answer; ${all(route.bots)} only ${
        route.bots.length === 1 ? 'suggests' : 'suggest'
      } to them what to say, and nothing of that is sent by itself.`
  }
}

function bots([first = '', ...others]: readonly string[]): string {
  return others.length === 0 ? `${first} answers` : `${first} answers, and where it passes, ${all(others, 'then')}`
}

function desk({ desk: name, team }: { readonly desk: string; readonly team: string | undefined }): string {
  return team === undefined ? name : `${name} (team ${team})`
}

function handingOver(route: CheckedRoute, config: CheckedConfig): readonly string[] {
  const say = (text: Say) => told(text, config.languages)
  switch (route.mode) {
    case 'bot-only':
      return [`Who asks for a person ${say(config.texts.noPeople)}.`]
    case 'bot-first':
      return [
        `${triggers(route.handOff)} people at ${desk(route)} take over, and the customer ${say(config.texts.handedOver)} unless the feature says something else.`,
        `When nobody is there, the customer ${say(config.texts.offline)}.`,
      ]
    default:
      return [`When nobody is there, the customer ${say(config.texts.offline)}.`]
  }
}

function triggers({ unknown, failures, guided, intents, menu }: HandOffTriggers): string {
  const when = [
    ...(unknown === undefined ? [] : [`after ${times(unknown, 'answer')} that the bot did not know`]),
    ...(failures === undefined ? [] : [`after ${times(failures, 'failure')} of the bot`]),
    ...(guided ? ['after a guided answer that asks for a person'] : []),
    ...(intents.length > 0 ? [`when the bot understands ${all(intents, 'or')}`] : []),
    ...(menu.length > 0 ? [`on the menu key ${all(menu, 'or')}`] : []),
    'when a feature or the bot asks for it',
  ]
  const words = all(when, 'or')
  return `${words.charAt(0).toUpperCase()}${words.slice(1)},`
}

function times(count: number, what: string): string {
  return count === 1 ? `1 ${what}` : `${count} ${what}s in a row`
}

/** Long texts are cut: the file has them whole. */
const MAX_QUOTE_CHARS = 60

function told(say: Say, languages: readonly string[]): string {
  const text = textOf(contentOf(say, languages[0], languages)).replace(/\s+/g, ' ')
  if (text === '') return 'is told nothing'
  const chars = [...text]
  return `is told “${chars.length > MAX_QUOTE_CHARS ? `${chars.slice(0, MAX_QUOTE_CHARS).join('')}…` : text}”`
}

function notRunning({ parked, down }: CheckedConfig): string {
  const names = [
    ...parked.map(({ name }) => `${name} is parked.`),
    ...down.map(({ name, because }) => `${name} is down: ${because}`),
  ]
  return names.join(' ')
}

function all(names: readonly string[], word: 'and' | 'or' | 'then' = 'and'): string {
  if (names.length <= 1) return names.join('')
  const last = names.at(-1) ?? ''
  return `${names.slice(0, -1).join(', ')}${word === 'then' ? ', then' : ` ${word}`} ${last}`
}

const MAX_WIDTH = 100

/** Lines of a width that can be read. Chinese texts have no spaces and stay whole. */
function wrap(text: string): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + word.length + 1 > MAX_WIDTH) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line].map((one) => `  ${one}`).join('\n')
}
