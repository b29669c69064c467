import { pager } from '../pager.ts'

/** Fails when it is released. */
export default pager(() => ({
  also({ onDispose }) {
    onDispose(() => {
      throw new Error('the line is engaged')
    })
  },
}))
