import { pager } from '../pager.ts'

/** Throws an error of its own, from which nobody can tell whether sending again helps. */
export default pager(() => ({
  judge(status, said) {
    if (status !== 200) throw new Error(`${status} ${said}`)
  },
}))
