/** What a channel keeps beside its messages: who it is, what it says of itself, and how it goes. */
import assert from 'node:assert/strict'
import { inspect, isDeepStrictEqual } from 'node:util'
import type { ChannelContract, ContractCheck } from './channel-contract.ts'
import { checkIn, few, runIn, type World } from './contract-world.ts'
import { watchOpened } from './left-behind.ts'

export function lifetimeChecks(contract: ChannelContract): readonly ContractCheck[] {
  return [
    checkIn(contract, 'the account stays the same under another name', keepsAccount),
    checkIn(contract, 'what it is and can do is said without doing anything', isPure),
    { name: 'stopped, it leaves no timer, socket or route behind', run: () => leavesNothing(contract) },
    checkIn(contract, 'it may be stopped twice, and started again', stopsTwice),
  ]
}

async function keepsAccount(world: World): Promise<void> {
  const { checked } = world
  const [once, again] = [checked.plugin.account(checked.settings), checked.plugin.account(checked.settings)]
  if (once !== again || once.trim() === '') {
    world.fail(`its account is "${once}" once and "${again}" once. Take it from the settings.`)
  }
  await world.say('before')
  await world.reload('renamed')
  await world.tell(world.bytes('before'))
  await world.say('after')
  const events = await world.events()
  const texts = events.map(({ text }) => text)
  if (!isDeepStrictEqual(texts, ['before', 'after']) || new Set(events.map(({ chat }) => chat)).size !== 1) {
    world.fail(`under another name in the YAML the customer’s chat has ${few(texts)} instead of before, after.`)
  }
}

async function isPure(world: World): Promise<void> {
  const { checked } = world
  const { plugin, settings } = checked
  const look = () => inspect(settings, { depth: 20 })
  const before = look()
  const opened = watchOpened()
  const first = plugin.capabilities(settings)
  const second = plugin.capabilities(settings)
  plugin.account(settings)
  const left = await opened.end()
  if (left.length > 0)
    world.fail(`capabilities and account opened something: ${few(left)}. They are called without setup.`)
  if (!isDeepStrictEqual(first, second)) {
    world.fail(`its capabilities differ from one call to the next: ${inspect(first)} and ${inspect(second)}.`)
  }
  if (look() !== before) world.fail(`capabilities or account changed the settings.`)
  if (!first.inline && first.later.length === 0) {
    world.fail('it can answer neither inside the response nor later, so it can never answer.')
  }
}

async function leavesNothing(contract: ChannelContract): Promise<void> {
  const opened = watchOpened()
  const ended = await runIn(contract, live).then(
    () => undefined,
    (error: unknown) => error,
  )
  const left = new Set(await opened.end())
  if (ended !== undefined) throw ended
  if (left.size === 0) return
  assert.fail(
    `${contract.plugin.name}: still there after stop: ${few([...left])}. Release it with onDispose, or open it through ` +
      'the context.',
  )
}

/** The whole life of a channel: an event, its answer, and its end. */
async function live(world: World): Promise<void> {
  await world.say('hello')
  const { url } = world.address
  await world.remove()
  const { status } = await world.send(new Request(url, { method: 'POST', body: '' }))
  if (status !== 404) world.fail(`after it was removed from the YAML its address still answers, with ${status}.`)
  await world.stop()
  const { waiting } = world.bot.clock
  if (waiting > 0) {
    world.fail(`${waiting} of the clock’s timers still wait after stop. Cancel with onDispose what clock.after began.`)
  }
}

async function stopsTwice(world: World): Promise<void> {
  await world.say('hello')
  const instance = world.bot.runtime.instance(world.checked.name)
  await world.bot.restart()
  await instance?.stop()
  await world.say('hello again')
  await world.stop()
  await world.stop()
  const [error] = world.errors
  if (error !== undefined) world.fail(`it failed while it was stopped: ${error}`)
}
