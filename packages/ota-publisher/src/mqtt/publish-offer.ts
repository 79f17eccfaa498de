import { type CompetingOffer, equalBytes, OtaError } from "@tinybms/ota-core";
import { offerTopicsOf } from "../offer-payload.ts";
import type { BrokerConnection } from "./connection.ts";
import {
  competingOffer,
  connectedAgain,
  giveWay,
  type MadeOffer,
  makeOffer,
  NUMBERS_MAX,
  type OfferPlan,
  type OfferWatch,
  publishRetained,
} from "./make-offer.ts";
import { missingOf, readBack } from "./read-retained.ts";

/** State of an offer on the broker. */
type Standing =
  | { readonly type: "stands" | "overwritten" | "missing" }
  | { readonly type: "number-taken" | "replaced"; readonly by: CompetingOffer };

/**
 * Creates an offer, publishes it and checks that the broker retains it. If another publisher used the same number at
 * the same time, creates the offer again with the next number.
 *
 * @param check - As of {@link makeOffer}; called once.
 * @returns The offer that stands.
 * @throws {@link OtaError} as {@link makeOffer} and {@link publishRetained}; `delivery/not-retained`;
 *   `delivery/superseded` where a later offer of a version took its place.
 */
export async function publishOffer(
  connection: BrokerConnection,
  plan: OfferPlan,
  watch: OfferWatch,
  check: Parameters<typeof makeOffer>[3],
): Promise<MadeOffer> {
  const deadline = AbortSignal.timeout(Math.ceil(plan.timeoutMs));
  const signal = watch.signal === undefined ? deadline : AbortSignal.any([watch.signal, deadline]);
  let made = await makeOffer(connection, plan, watch, check);
  for (let attempt = 1; ; attempt++) {
    const standing = await publishAndRead(connection, plan, made, watch, signal);
    if (standing.type === "stands") return made;
    if (standing.type === "replaced") {
      if (standing.by.version === undefined) return made;
      throw replaced(standing.by);
    }
    if (standing.type === "missing" || attempt === NUMBERS_MAX) {
      throw connection.notRetainedError(offerTopicsOf(plan.topicRoot, plan.target));
    }
    await giveWay(attempt, watch.signal);
    if (standing.type === "number-taken") made = await makeOffer(connection, plan, watch);
  }
}

async function publishAndRead(
  connection: BrokerConnection,
  plan: OfferPlan,
  made: MadeOffer,
  watch: OfferWatch,
  signal: AbortSignal,
): Promise<Standing> {
  const expected = made.envelopes;
  for (;;) {
    for (const [topic, envelope] of expected) await publishRetained(connection, topic, envelope, watch, signal);
    const judge = (found: ReadonlyMap<string, Uint8Array>): Standing => standingOf(found, made, plan);
    const isDecided = (found: ReadonlyMap<string, Uint8Array>): boolean => judge(found).type !== "missing";
    const found = await readBack(connection, expected, signal, isDecided);
    if (found !== undefined) return judge(found);
    watch.signal?.throwIfAborted();
    if (connection.connected) throw connection.notRetainedError(missingOf(expected, new Map()));
    await connectedAgain(connection, watch, signal);
  }
}

/** Returns the most important state among the topics. */
function standingOf(
  found: ReadonlyMap<string, Uint8Array>,
  { id, counter: [epoch, sequence], envelopes }: MadeOffer,
  plan: OfferPlan,
): Standing {
  let isOverwritten = false;
  let isMissing = false;
  for (const [topic, envelope] of envelopes) {
    const payload = found.get(topic);
    if (payload !== undefined && equalBytes(payload, envelope)) continue;
    const by = payload === undefined ? undefined : competingOffer(payload, plan);
    if (by === undefined) isMissing = true;
    else if (by.id !== id) {
      const order = by.counter[0] - epoch || by.counter[1] - sequence;
      if (order >= 0) return { type: order === 0 ? "number-taken" : "replaced", by };
      isOverwritten = true;
    }
  }
  if (isMissing) return { type: "missing" };
  return { type: isOverwritten ? "overwritten" : "stands" };
}

function replaced({ counter: [epoch, sequence], version = "" }: CompetingOffer): OtaError<"delivery/superseded"> {
  const message = `version ${version} was offered at the same moment (epoch ${epoch}, sequence ${sequence}), and that offer stands`;
  const hint = "withdraw that version too, if it must not be installed either";
  return new OtaError("delivery/superseded", message, { epoch, sequence, version }, { hint });
}
