/** For plugin authors: a runtime, customers and agents for tests, and the contract that every channel keeps. */
export { makeLog } from '../services/log.ts'
export {
  type ChannelAddress,
  type ChannelContract,
  type ContractCheck,
  channelContract,
  type ExpectedEvent,
  type ExpectedRefusal,
  type Shown,
  type SimulatedPlatform,
} from './channel-contract.ts'
export { type ManualClock, manualClock } from './clock.ts'
export { type MemoryChannel, memoryChannel } from './memory-channel.ts'
export { type MemoryDesk, memoryDesk } from './memory-desk.ts'
export { type TestAgent, type TestConfig, type TestOptions, type TestRuntime, testRuntime } from './runtime.ts'
export { type Answer, type TestServer, testServer } from './server.ts'
export type { Doing, Expected, TestUser } from './user.ts'
