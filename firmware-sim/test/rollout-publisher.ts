import { buildOffer, readStateReport, type SenderAction, type SenderEvent, topicsOf } from "@tinybms/ota-core";
import {
  Rollout,
  type RolloutAction,
  type RolloutEvent,
  type RolloutOffer,
  type RolloutOutcome,
  type RolloutPlan,
  type RolloutRecord,
} from "@tinybms/ota-core/rollout";
import { buildEnvelope } from "@tinybms/ota-core/signing";
import { type ImagePublisher, type Publication, publishImage } from "../src/simulation/publish-image.ts";
import type { WorldPublisher } from "../src/simulation/publisher-in-world.ts";

type WorldAction = Exclude<SenderAction, { type: "read-chunk" }>;
type Timer = Extract<SenderAction, { type: "set-timer" }>["timer"];

/** Timer of a sender that a delivery without a time limit leaves free. */
const ROLLOUT_TIMER: Timer = "deadline";

/** Room between the ids of two senders on one connection. */
const IDS = 1_000_000;

/** A publisher that offers an image in stages: a `Rollout`, and a `Sender` for each stage. Keeps its journal in memory. */
export class RolloutPublisher implements WorldPublisher {
  readonly records: RolloutRecord[];
  outcome: RolloutOutcome | undefined;
  readonly #rollout: Rollout;
  readonly #publication: Publication;
  readonly #plan: RolloutPlan;
  readonly #events: RolloutEvent[] = [];
  readonly #timers = new Set<Timer>();
  #actions: WorldAction[] = [];
  #isBusy = false;
  #isConnected = false;
  #sender: ImagePublisher | undefined;
  #base = 0;
  #sequence: number;
  #withdrawalId = -1;
  #now = 0;

  /** @param records - The journal of a rollout that goes on; empty for a new one. */
  constructor(publication: Publication, image: string, plan: RolloutPlan, records: readonly RolloutRecord[] = []) {
    const { product, topicRoot } = publication;
    this.#publication = publication;
    this.#plan = plan;
    this.records = [...records];
    this.#sequence = records.filter(({ type }) => type === "offer").length;
    this.#rollout = new Rollout({ product, version: "2.0.0", topic: topicRoot, image }, plan, records);
  }

  handle(event: SenderEvent): WorldAction[] {
    this.#now = event.now;
    if (event.type === "connected") this.#isConnected = true;
    if (event.type === "disconnected") this.#isConnected = false;
    if (event.type === "start") this.#feed({ type: "start" });
    else if (event.type === "timer" && event.timer === ROLLOUT_TIMER) this.#feed({ type: "timer" });
    else if (event.type === "drained" && event.id === this.#withdrawalId) this.#feed({ type: "withdrawn" });
    else {
      if (event.type === "state") this.#report(event.device, event.payload);
      this.#pass(event);
    }
    return this.#actions.splice(0);
  }

  #report(device: string, payload: Uint8Array): void {
    const report = readStateReport(payload);
    if (report?.device === device) this.#feed({ type: "report", report });
  }

  /** Gives the current sender an event, and takes its actions. Ids of earlier senders mean nothing to it. */
  #pass(event: SenderEvent): void {
    if (this.#sender === undefined) return;
    const own = "id" in event ? { ...event, id: event.id - this.#base } : event;
    if ("id" in own && own.id < 0) return;
    for (const action of this.#sender.handle(own)) {
      if (action.type === "set-timer") this.#timers.add(action.timer);
      if (action.type === "offered") this.#feed({ type: "offered", stage: this.#rollout.stage });
      else if (action.type === "done") this.#feed({ type: "superseded" });
      else this.#actions.push("id" in action ? { ...action, id: action.id + this.#base } : action);
    }
  }

  #feed(
    event: RolloutEvent extends infer Each ? (Each extends unknown ? Omit<Each, "now" | "at"> : never) : never,
  ): void {
    this.#events.push({ ...event, now: this.#now, at: this.#now } as RolloutEvent);
    if (this.#isBusy) return;
    this.#isBusy = true;
    for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
      for (const action of this.#rollout.handle(next)) this.#perform(action);
    }
    this.#isBusy = false;
  }

  #perform(action: RolloutAction): void {
    switch (action.type) {
      case "record":
        this.records.push(action.record);
        break;
      case "make-offer": {
        const sequence = ++this.#sequence;
        const offer: RolloutOffer = { id: idOf(sequence), counter: [1, sequence], parts: [] };
        this.#feed({ type: "made", stage: action.stage, offer });
        break;
      }
      case "publish":
        this.#publish(action.stage, action.offer);
        break;
      case "withdraw":
        this.#withdraw();
        break;
      case "set-timer":
        this.#actions.push({ type: "set-timer", timer: ROLLOUT_TIMER, at: action.at });
        break;
      case "clear-timer":
        this.#actions.push({ type: "clear-timer", timer: ROLLOUT_TIMER });
        break;
      case "done":
        this.outcome = action.outcome;
    }
  }

  #publish(stage: number, { counter: [, sequence] }: RolloutOffer): void {
    for (const timer of this.#timers) this.#actions.push({ type: "clear-timer", timer });
    this.#timers.clear();
    this.#base += IDS;
    const { salt, stages } = this.#plan;
    const target = { rollout: { permille: stages[stage] ?? 0, salt } };
    const sender = { ...this.#publication.sender, wait: "cancelled" } as const;
    this.#sender = publishImage({ ...this.#publication, sequence, target, sender });
    this.#pass({ type: "start", now: this.#now });
    if (this.#isConnected) this.#pass({ type: "connected", now: this.#now });
  }

  #withdraw(): void {
    const { topicRoot } = this.#publication;
    const sequence = ++this.#sequence;
    const payload = buildOffer({
      ...{ offer: 1, id: idOf(sequence), topic_root: topicRoot, epoch: 1, sequence },
      issued_at: "2026-01-01T00:00:00Z",
      ...{ release: null, chunk_encodings: ["identity"], target: "all" },
    });
    this.#sender = undefined;
    this.#base += IDS;
    this.#withdrawalId = this.#base;
    this.#actions.push({
      ...{ type: "publish", topic: topicsOf(topicRoot).offer, payload: buildEnvelope(payload, []) },
      ...{ qos: 1, retain: true, id: this.#withdrawalId },
    });
  }
}

function idOf(sequence: number): string {
  return (1).toString(16).padStart(16, "0") + sequence.toString(16).padStart(16, "0");
}
