import type { Immutable } from "../messages/json-message.ts";
import type { JournalOffer, JournalRecord, JournalSubject } from "../schemas/types.generated.ts";

export type { RolloutEnd, RolloutRequest, RolloutStop } from "../schemas/types.generated.ts";

/** An offer as it was signed: what a resumed rollout publishes again, byte for byte. */
export type RolloutOffer = Immutable<JournalOffer>;

/** The release that a rollout offers. */
export type RolloutSubject = Immutable<JournalSubject>;

/** A record of a rollout's journal. `at` is in milliseconds since 1970, in UTC. */
export type RolloutRecord = Immutable<JournalRecord>;
