import { describe, expect, test } from 'vitest'
import { memoryChannel, testRuntime } from '#core/testing'
import desk from './index.ts'

const PEOPLE = { amy: { name: 'Amy' }, bo: { name: 'Bo' } }

async function notes(people: object, teams: object): Promise<readonly string[]> {
  await using bot = await testRuntime({
    channels: { th: { use: memoryChannel({ name: 'th' }).plugin } },
    desks: { support: { use: desk, people, teams } },
  })
  return bot.runtime.config.notes.map(({ path, what }) => `${path}: ${what}`)
}

describe('teams that cannot be meant', () => {
  test.each([
    [
      'C-GR-04: a member who may not serve what the team takes',
      { amy: { name: 'Amy', mayServe: ['th'] } },
      { presale: { members: ['amy'] } },
      /teams\.presale\.members\[0\][\s\S]*amy may not serve memory, which presale takes/,
    ],
    [
      'C-GR-04: nor by a skill',
      { amy: { name: 'Amy', mayServe: ['memory'], skills: ['thai'] } },
      { thai: { skills: ['thai'], sources: ['th'] } },
      /teams\.thai\.skills[\s\S]*amy may not serve th/,
    ],
    [
      'C-GR-04: a team that helps out where none of it may serve, nor whoever helps that one out',
      { ...PEOPLE, bo: { name: 'Bo', mayServe: ['th'] } },
      { a: { members: ['amy'], overflow: 'b' }, b: { members: ['bo'], sources: ['th'] } },
      /teams\.a\.overflow[\s\S]*nobody of b may serve memory, which a takes/,
    ],
    ['nobody in it', PEOPLE, { presale: {} }, /nobody works in presale[\s\S]*Write {2}members/],
    ['skills that nobody has', PEOPLE, { thai: { skills: ['thai'] } }, /nobody has thai/],
    ['members and skills', PEOPLE, { a: { members: ['amy'], skills: ['x'] } }, /a has members and skills/],
    [
      'helpers in a circle',
      PEOPLE,
      { a: { members: ['amy'], overflow: 'b' }, b: { members: ['bo'], overflow: 'a' } },
      /teams\.a\.overflow[\s\S]*in a circle: a → b → a/,
    ],
  ])('%s', async (_what, people, teams, told) => {
    await expect(notes(people, teams)).rejects.toThrow(told)
  })

  test('C-GR-02, C-GR-07: a team that an earlier one hides, and an agent of no team, are told as notes', async () => {
    const teams = { all: { members: ['amy'] }, th: { members: ['amy'], sources: ['th'] } }
    expect(await notes(PEOPLE, teams)).toEqual([
      expect.stringMatching(/people\.bo: desk: bo is in no team, so nothing comes to them/),
      expect.stringMatching(/teams\.th: desk: th gets nothing by itself: all stands before it/),
    ])
    expect(await notes({ amy: PEOPLE.amy }, { th: teams.th, all: teams.all })).toEqual([])
    expect(await notes({ amy: PEOPLE.amy }, { all: { ...teams.all, overflow: 'th' }, th: teams.th })).toEqual([])
  })
})
