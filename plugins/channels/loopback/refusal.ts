import { DeliveryError } from '#core'

/** How much of what the other side says about a refusal is kept for the operator. */
const MAX_SAID_CHARS = 200

/**
 * What a status of the other side means. 401 and 403 concern the secret, so every message of the channel; 4xx says what
 * sending again cannot mend; everything else may be better later.
 */
export function refusal({ status, headers }: Response, said: string): DeliveryError {
  const message = `HTTP ${status} ${said.slice(0, MAX_SAID_CHARS)}`.trimEnd()
  const retryAfterMs = Number(headers.get('retry-after') ?? Number.NaN) * 1_000 || undefined
  if (status === 401 || status === 403) return new DeliveryError('CHANNEL_TOKEN', { scope: 'channel', message })
  if (status === 404) return new DeliveryError('CHANNEL_NO_CHAT', { message })
  if (status === 429) return new DeliveryError('CHANNEL_RATE_LIMITED', { retryAfterMs, message })
  return new DeliveryError(status < 500 ? 'CHANNEL_REFUSED' : 'CHANNEL_DOWN', { retryAfterMs, message })
}
