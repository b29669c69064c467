import { expect, test } from 'vitest'
import { memoryChannel, memoryDesk, type TestRuntime, testRuntime } from '#core/testing'
import form from './form.ts'

const MINUTE = 60_000
const SIZES = ['S', 'M', 'L'].map((size) => ({ id: size, label: size }))
const FORM = {
  use: form,
  start: ['order'],
  questions: [
    { key: 'recipient', ask: 'Who is it for?' },
    { key: 'size', ask: { type: 'choices', prompt: 'Which size?', choices: SIZES }, answer: 'choice' },
    { key: 'phone', ask: 'Which number do we call?', answer: 'phone' },
  ],
  thanks: 'Thank you!',
  within: '30m',
}
const CONFIG = { bots: { parrot: { use: 'echo' } }, features: [FORM] }

/** A channel that can do nothing but texts. */
const textOnly = () => ({ channel: memoryChannel({ capabilities: { sends: { text: {} } } }) })

async function noted(bot: TestRuntime) {
  const { fields } = (await bot.customer('u1')) ?? expect.unreachable()
  return fields
}

test('three questions are asked, and the answers are noted on the customer', async () => {
  await using bot = await testRuntime(CONFIG, textOnly())
  const user = bot.user('u1')
  await user.says('I want to order').hears('Who is it for?')
  await user.says('Li Lei').hears(/^Which size\?\n1\. S\n2\. M\n3\. L/)
  expect(await noted(bot)).toEqual({})
  await user.says('2').hears('Which number do we call?')
  await user.says('+86 10 1234').hears('Thank you!')
  expect(await noted(bot)).toEqual({ recipient: 'Li Lei', size: 'M', phone: '+86 10 1234' })
  await user.says('hello').hears('echo: hello')
})

test('a message that is no answer goes its ordinary way, and the question stays open', async () => {
  await using bot = await testRuntime(CONFIG, textOnly())
  const user = bot.user('u1')
  await user
    .says('order')
    .hears('Who is it for?')
    .says('Li Lei')
    .hears(/^Which size/)
  await user.says('XXL').hears('echo: XXL')
  await user.says('order').hears(/^Which size/)
  await user.says('ｌ').hears('Which number do we call?')
  await user.says('why do you ask?').hears('echo: why do you ask?')
  await user.says('10 1234').hears('Thank you!')
  expect(await noted(bot)).toEqual({ recipient: 'Li Lei', size: 'L', phone: '10 1234' })
})

test('after the time is over an answer is an ordinary message, and the form goes on where it was left', async () => {
  await using bot = await testRuntime(CONFIG, textOnly())
  const user = bot.user('u1')
  await user
    .says('order')
    .hears('Who is it for?')
    .says('Li Lei')
    .hears(/^Which size/)
  await bot.advance(30 * MINUTE + 1)
  await user.says('M').hears('echo: M')
  await user
    .says('order')
    .hears(/^Which size/)
    .says('M')
    .hears('Which number do we call?')
    .says('10 1234')
  await user.hears('Thank you!')
  expect(await noted(bot)).toEqual({ recipient: 'Li Lei', size: 'M', phone: '10 1234' })
})

test('a form that is filled in again asks everything again', async () => {
  await using bot = await testRuntime(CONFIG, textOnly())
  const user = bot.user('u1')
  for (const [name, size] of [
    ['Li Lei', 'S'],
    ['Han Meimei', 'L'],
  ] as const) {
    await user
      .says('order')
      .hears('Who is it for?')
      .says(name)
      .hears(/^Which size/)
    await user.says(size).hears('Which number do we call?').says('10 1234').hears('Thank you!')
  }
  expect(await noted(bot)).toEqual({ recipient: 'Han Meimei', size: 'L', phone: '10 1234' })
})

test('two customers fill in forms of their own', async () => {
  await using bot = await testRuntime(CONFIG, textOnly())
  const [one, two] = [bot.user('u1'), bot.user('u2')]
  await one.says('order').hears('Who is it for?')
  await two
    .says('order')
    .hears('Who is it for?')
    .says('Han Meimei')
    .hears(/^Which size/)
  await one
    .says('Li Lei')
    .hears(/^Which size/)
    .says('S')
    .hears('Which number do we call?')
    .says('10 1234')
  await one.hears('Thank you!')
  expect(await noted(bot)).toMatchObject({ recipient: 'Li Lei' })
})

test('the form is silent while a person has the conversation, and goes on afterwards', async () => {
  const desk = memoryDesk()
  await using bot = await testRuntime({ ...CONFIG, desks: { support: { use: desk.plugin } } }, textOnly())
  const user = bot.user('u1')
  await user
    .says('order')
    .hears('Who is it for?')
    .says('Li Lei')
    .hears(/^Which size/)
  await bot.agent('amy').takes('u1')
  await user.says('M').hearsNothing()
  expect(desk.items).toMatchObject([
    { type: 'handed-over', history: [{}, {}, {}, { text: expect.stringMatching(/^Which size/) }] },
    { type: 'message', parts: [{ text: 'M' }] },
  ])
  await bot.agent('amy').closes('u1')
  await user.says('order').hears(/^Which size/)
})
