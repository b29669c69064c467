import { polled } from '../polled.ts'

/** Goes on to the next update although this one was not accepted: the platform does not give it again. */
export default polled((receive, event) => receive(event).catch(() => {}))
