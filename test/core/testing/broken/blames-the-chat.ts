import { DeliveryError } from '../../../../core/index.ts'
import { pager } from '../pager.ts'

/** Says of a wrong token that it concerns one chat: every further message would be tried, and fail. */
export default pager(() => ({
  judge(status, said) {
    if (status === 401) throw new DeliveryError('CHANNEL_TOKEN', { message: `401 ${said}` })
  },
}))
