export {
  type GuardedClient,
  type GuardOptions,
  guardClient,
  type MessageFilter,
  type SkippedMessage,
} from "./guard-stream.ts";
export { ReconnectDelay, type ReconnectDelayOptions } from "./reconnect-delay.ts";
