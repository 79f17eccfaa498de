import { expect, test } from "vitest";
import { type BootDecision, decideAtBoot } from "./decide-at-boot.ts";
import type { Attempt, OfferOutcome } from "./receiver-record.ts";

const NEW = "11".repeat(32);
const OLD = "22".repeat(32);
const OUTCOME: OfferOutcome = { offer: "0f", image: OLD, outcome: "confirmed" };

function attempt(changes: Partial<Attempt> = {}): Attempt {
  return { offer: "0e", image: NEW, attempts: 1, probationMs: 1_000, ...changes };
}

/** Record, hash of the running image, whether its otadata entry awaits confirmation, and the decision. */
const CASES: readonly [
  name: string,
  record: { attempt?: Attempt; outcome?: OfferOutcome },
  sha256: string,
  pendingVerify: boolean,
  decision: BootDecision,
][] = [
  ["nothing stored", {}, OLD, false, { type: "rest" }],
  ["an offer that ended", { outcome: OUTCOME }, OLD, false, { type: "resume", outcome: OUTCOME }],
  ["an image from a cable on probation", {}, NEW, true, { type: "probation", attempt: undefined, shouldStore: false }],
  [
    "an image from a cable on probation, after an offer that ended",
    { outcome: OUTCOME },
    NEW,
    true,
    { type: "probation", attempt: undefined, shouldStore: false },
  ],
  [
    "the offered image on probation",
    { attempt: attempt() },
    NEW,
    true,
    { type: "probation", attempt: attempt(), shouldStore: false },
  ],
  [
    "the offered image on probation, after its last attempt began",
    { attempt: attempt({ attempts: 2 }) },
    NEW,
    true,
    { type: "probation", attempt: attempt({ attempts: 2 }), shouldStore: false },
  ],
  [
    "the offered image without the bootloader's protection",
    { attempt: attempt() },
    NEW,
    false,
    { type: "probation", attempt: attempt({ attempts: 2 }), shouldStore: true },
  ],
  [
    "the offered image without protection, out of attempts",
    { attempt: attempt({ attempts: 2 }) },
    NEW,
    false,
    { type: "roll-back", attempt: attempt({ attempts: 2 }), error: "delivery/attempts-exhausted" },
  ],
  [
    "the offered image that passed its probation",
    { attempt: attempt({ attempts: 2, proven: true }) },
    NEW,
    false,
    { type: "confirm", attempt: attempt({ attempts: 2, proven: true }) },
  ],
  [
    "the offered image that passed, and whose otadata entry is still pending",
    { attempt: attempt({ proven: true }) },
    NEW,
    true,
    { type: "probation", attempt: attempt({ proven: true }), shouldStore: false },
  ],
  [
    "another image on probation than the accepted one",
    { attempt: attempt() },
    OLD,
    true,
    { type: "roll-back", attempt: attempt(), error: "delivery/image-mismatch" },
  ],
  ["the old image after a power cut before the switch", { attempt: attempt() }, OLD, false, { type: "rest" }],
  [
    "the old image after the last attempt",
    { attempt: attempt({ attempts: 2 }) },
    OLD,
    false,
    { type: "condemn", attempt: attempt({ attempts: 2 }), error: "delivery/self-test-failed" },
  ],
  [
    "the old image after a roll-back",
    { attempt: attempt({ error: "delivery/image-rejected" }) },
    OLD,
    false,
    { type: "condemn", attempt: attempt({ error: "delivery/image-rejected" }), error: "delivery/image-rejected" },
  ],
];

test.for(CASES)("decides at boot: %s", ([, record, sha256, pendingVerify, decision]) => {
  expect(decideAtBoot(record, { sha256, pendingVerify })).toEqual(decision);
});
