export { EMPTY_JOURNAL, type Journal, journalLine, readJournal, rolloutOf } from "./journal.ts";
export { Rollout } from "./rollout.ts";
export type { RolloutCounts, RolloutDevice, RolloutDevices } from "./rollout-devices.ts";
export type { RolloutAction, RolloutEvent, RolloutOutcome } from "./rollout-events.ts";
export { assertRolloutPlan, type RolloutPlan } from "./rollout-plan.ts";
export type {
  RolloutEnd,
  RolloutOffer,
  RolloutRecord,
  RolloutRequest,
  RolloutStop,
  RolloutSubject,
} from "./rollout-record.ts";
