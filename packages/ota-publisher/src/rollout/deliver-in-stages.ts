import { readStateReport, Sender } from "@tinybms/ota-core";
import {
  Rollout,
  type RolloutAction,
  type RolloutEvent,
  type RolloutOffer,
  type RolloutOutcome,
  type RolloutPlan,
  type RolloutRecord,
  type RolloutRequest,
  type RolloutSubject,
} from "@tinybms/ota-core/rollout";
import { carryOut } from "../mqtt/carry-out.ts";
import { clearHashLists } from "../mqtt/clear-hash-lists.ts";
import { type BrokerConnection, connectBroker } from "../mqtt/connection.ts";
import type { DeliveryPlan, DeliveryWatch } from "../mqtt/deliver-over-mqtt.ts";
import { competingOffer, giveWay, makeOffer, NUMBERS_MAX } from "../mqtt/make-offer.ts";
import { NamedTimers } from "../mqtt/named-timers.ts";
import { publishOffer } from "../mqtt/publish-offer.ts";
import type { OfferTarget } from "../offer-payload.ts";
import type { JournalFile } from "./journal-file.ts";
import { envelopesOf, partsOf } from "./journaled-offer.ts";

/** Time between two looks for a request of somebody, in milliseconds. */
const REQUEST_LOOK_MS = 500;

/** A rollout of one image through one broker. */
export interface StagedPlan extends Omit<DeliveryPlan, "target" | "expected" | "wait" | "install"> {
  readonly subject: RolloutSubject;
  readonly rollout: RolloutPlan;
  readonly journal: JournalFile;
  /** What the rollout is asked before it goes on. */
  readonly request?: RolloutRequest | undefined;
}

/** What a rollout tells while it runs. */
export interface StagedWatch
  extends Pick<
    DeliveryWatch,
    "onProgress" | "onRetry" | "onSkipped" | "onForeignOffer" | "onConnection" | "onHashLists"
  > {
  readonly signal: AbortSignal;
  /** A record was written to the journal. */
  readonly onRecord?: (record: RolloutRecord) => void;
}

/** How a rollout ended, and what it sent. */
export interface StagedOutcome extends RolloutOutcome {
  readonly chunksSent: number;
  readonly bytesSent: number;
}

/**
 * Offers an image in stages, until the last stage has settled, the rollout stops, or it waits for somebody to continue.
 * Goes on where the journal ends.
 *
 * @throws {@link OtaError} as `deliverOverMqtt`; `journal/unusable` and `package/locked` if the journal can't be written;
 *   the signal's reason. The journal tells how far it came, and the broker keeps the offer.
 */
export async function deliverInStages(plan: StagedPlan, watch: StagedWatch): Promise<StagedOutcome> {
  const delivery = new StagedDelivery(plan, watch);
  try {
    return await delivery.run();
  } finally {
    await delivery.close();
  }
}

/** The connection that answers devices for one stage's offer. */
interface Session {
  readonly connection: BrokerConnection;
  /** Ends the sender and keeps the offer. */
  readonly end: AbortController;
  sender: Sender | undefined;
}

/** Carries a rollout's actions out, one after the other. */
class StagedDelivery {
  readonly #plan: StagedPlan;
  readonly #watch: StagedWatch;
  readonly #rollout: Rollout;
  readonly #events: RolloutEvent[] = [];
  readonly #sent = { chunksSent: 0, bytesSent: 0 };
  /** Answers devices. */
  #current: Session | undefined;
  /** Made an offer that is not published yet. */
  #next: Session | undefined;
  readonly #timers = new NamedTimers<"rollout">(() => this.#feed({ type: "timer" }));
  /** How often somebody else had published the number of an offer. */
  #numbersTaken = 0;
  #isWithdrawn = false;
  #isBusy = false;
  #resolve: (outcome: StagedOutcome) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;

  constructor(plan: StagedPlan, watch: StagedWatch) {
    this.#plan = plan;
    this.#watch = watch;
    this.#rollout = new Rollout(plan.subject, plan.rollout, plan.journal.records);
  }

  async run(): Promise<StagedOutcome> {
    const { signal } = this.#watch;
    const ended = new Promise<StagedOutcome>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const interrupt = (): void => this.#reject(signal.reason);
    const requests = setInterval(() => this.#lookForRequest(), REQUEST_LOOK_MS);
    signal.addEventListener("abort", interrupt, { once: true });
    try {
      signal.throwIfAborted();
      const { request } = this.#plan;
      if (request !== undefined) this.#feed({ type: "request", request });
      this.#feed({ type: "start" });
      return await ended;
    } finally {
      clearInterval(requests);
      this.#timers.clearAll();
      signal.removeEventListener("abort", interrupt);
    }
  }

  async close(): Promise<void> {
    for (const session of [this.#current, this.#next]) {
      session?.end.abort();
      await session?.connection.close();
    }
  }

  #lookForRequest(): void {
    const request = this.#plan.journal.takeRequest();
    if (request !== undefined) this.#feed({ type: "request", request });
  }

  /** Gives the rollout an event, once it has nothing left to do for the ones before. */
  #feed(
    event: RolloutEvent extends infer Each ? (Each extends unknown ? Omit<Each, "now" | "at"> : never) : never,
  ): void {
    this.#events.push({ ...event, now: performance.now(), at: Date.now() } as RolloutEvent);
    if (!this.#isBusy) void this.#work();
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    try {
      for (let event = this.#events.shift(); event !== undefined; event = this.#events.shift()) {
        for (const action of this.#rollout.handle(event)) await this.#perform(action);
      }
    } catch (error) {
      this.#reject(error);
    } finally {
      this.#isBusy = false;
    }
  }

  async #perform(action: RolloutAction): Promise<void> {
    switch (action.type) {
      case "record":
        this.#plan.journal.append(action.record);
        return this.#watch.onRecord?.(action.record);
      case "make-offer":
        return this.#makeOffer(action.stage);
      case "publish":
        return this.#publish(action.stage, action.offer);
      case "withdraw":
        return this.#withdraw();
      case "set-timer":
        return this.#timers.set("rollout", action.at);
      case "clear-timer":
        return this.#timers.clear("rollout");
      case "done":
        await this.#endSession(this.#isWithdrawn || action.outcome.reason === "complete");
        return this.#resolve({ ...action.outcome, ...this.#sent });
    }
  }

  async #makeOffer(stage: number): Promise<void> {
    // Two connections with one client ID would end each other.
    await this.#endSession();
    this.#next ??= await this.#connect();
    const { target, count } = this.#targetOf(stage);
    const { install } = this.#plan.rollout;
    const plan = { ...this.#plan, target, expectedCount: count, install };
    const made = await makeOffer(this.#next.connection, plan, this.#watch);
    const { id, counter, envelopes } = made;
    this.#feed({ type: "made", stage, offer: { id, counter, parts: partsOf(envelopes) } });
  }

  /** Publishes an offer and answers devices from now on, in place of the former stage's session. */
  async #publish(stage: number, offer: RolloutOffer): Promise<void> {
    const session = this.#next ?? (await this.#connect());
    this.#next = undefined;
    await this.#endSession();
    this.#current = session;
    const { target } = this.#targetOf(stage);
    const envelopes = envelopesOf(offer);
    const [offerEnvelope = new Uint8Array()] = envelopes.values();
    const { topicRoot, image, rate, qos, timeoutMs } = this.#plan;
    const sender = new Sender({
      ...{ topicRoot, image, rate, qos, timeoutMs, offerEnvelope, offerParts: envelopes },
      offerId: offer.id,
      counter: offer.counter,
      offerTopics: [...envelopes.keys()],
      readOffer: (payload) => competingOffer(payload, this.#plan),
      expected: {},
      wait: "cancelled",
    });
    session.sender = sender;
    void this.#serve(session, sender, stage, target);
  }

  async #serve(session: Session, sender: Sender, stage: number, target: OfferTarget): Promise<void> {
    const { onProgress, onConnection } = this.#watch;
    let stands = false;
    try {
      const outcome = await carryOut(
        sender,
        session.connection,
        { ...this.#plan, target },
        {
          signal: session.end.signal,
          ...(onProgress === undefined ? {} : { onProgress }),
          ...(onConnection === undefined ? {} : { onConnection }),
          onOffered: () => {
            stands = true;
            this.#feed({ type: "offered", stage });
          },
          onReport: (device, payload) => {
            const report = readStateReport(payload);
            if (report?.device === device) this.#feed({ type: "report", report });
          },
        },
      );
      if (session.end.signal.aborted) return;
      const { reason, topics = [] } = outcome;
      if (reason === "unacknowledged") throw session.connection.unacknowledgedError(topics);
      if (reason === "not-retained") throw session.connection.notRetainedError(topics);
      if (reason === "number-taken" && !stands) return await this.#makeAgain(session, stage);
      this.#feed({ type: "superseded" });
    } catch (error) {
      if (!session.end.signal.aborted) this.#reject(error);
    }
  }

  /** Makes the offer under another number: somebody else published one with the same number at the same moment. */
  async #makeAgain(session: Session, stage: number): Promise<void> {
    this.#numbersTaken++;
    if (this.#numbersTaken === NUMBERS_MAX) return this.#feed({ type: "superseded" });
    await giveWay(this.#numbersTaken, this.#watch.signal);
    this.#current = undefined;
    this.#next = session;
    await this.#makeOffer(stage);
  }

  async #withdraw(): Promise<void> {
    await this.#endSession();
    const session = await this.#connect();
    this.#current = session;
    const { target } = this.#targetOf(this.#rollout.stage);
    const plan = { ...this.#plan, target, release: null, expectedCount: undefined };
    await publishOffer(session.connection, plan, this.#watch, undefined);
    this.#isWithdrawn = true;
    this.#feed({ type: "withdrawn" });
  }

  /** @param clearsLists - Whether to clear the hash lists that no offer names any more. */
  async #endSession(clearsLists: boolean = false): Promise<void> {
    const session = this.#current;
    this.#current = undefined;
    if (session === undefined) return;
    session.end.abort();
    const { chunksSent = 0, bytesSent = 0 } = session.sender?.stats ?? {};
    this.#sent.chunksSent += chunksSent;
    this.#sent.bytesSent += bytesSent;
    if (clearsLists) {
      const { topicRoot, image } = this.#plan;
      const imageSha256 = this.#isWithdrawn ? undefined : image.sha256;
      const { signal, onHashLists } = this.#watch;
      const result = await clearHashLists(session.connection, { topicRoot, imageSha256, signal });
      onHashLists?.(result);
    }
    await session.connection.close();
  }

  async #connect(): Promise<Session> {
    const { signal, onRetry, onSkipped } = this.#watch;
    const connection = await connectBroker(this.#plan.broker, {
      ...this.#plan.connection,
      signal,
      ...(onRetry === undefined ? {} : { onRetry }),
      ...(onSkipped === undefined ? {} : { onSkipped }),
    });
    return { connection, end: new AbortController(), sender: undefined };
  }

  /** Returns whom a stage's offer is for, and how many they are, if that is known. */
  #targetOf(stage: number): { readonly target: OfferTarget; readonly count: number | undefined } {
    const { stages, salt, devices } = this.#plan.rollout;
    if (devices === undefined) return { target: { rollout: { permille: stages[stage] ?? 0, salt } }, count: undefined };
    const included = devices.filter((device) => (this.#rollout.devices.stageOf(device) ?? stages.length) <= stage);
    return { target: { devices: included }, count: included.length };
  }
}
