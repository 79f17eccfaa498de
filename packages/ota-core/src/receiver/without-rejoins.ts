import type { ReceiverAction } from "./receiver-events.ts";

/**
 * Returns the actions without each `unsubscribe` of a topic that a later action subscribes to. Brokers that handle both
 * packets at once can end without the subscription. To subscribe once more is enough to have retained messages repeated.
 */
export function withoutRejoins(actions: readonly ReceiverAction[]): ReceiverAction[] {
  return actions.filter(
    (action, index) =>
      action.type !== "unsubscribe" ||
      !actions.slice(index).some((later) => later.type === "subscribe" && later.topic === action.topic),
  );
}
