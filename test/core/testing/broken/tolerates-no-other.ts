import { pager } from '../pager.ts'

let isRunning = false

/** Refuses to start while its predecessor is there. */
export default pager(() => ({
  also({ onDispose }) {
    if (isRunning) throw new Error('the line is taken')
    isRunning = true
    onDispose(() => {
      isRunning = false
    })
  },
}))
