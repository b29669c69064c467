import { pager } from '../pager.ts'

/** Keeps its own list of what has been here, and answers repeats without asking the core. */
export default pager(() => {
  const seen = new Set<string>()
  return {
    async take(event, { receive }) {
      if (seen.has(event.id)) return undefined
      const answer = await receive(event)
      seen.add(event.id)
      return answer
    },
  }
})
