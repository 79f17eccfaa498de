import { type DeliveryOutcome, type SenderAction, type SenderEvent, senderEventOf } from "@tinybms/ota-core";
import type { Link, Schedule } from "./link.ts";
import { VirtualTimers } from "./virtual-timers.ts";

/** A publisher in the world: an `ImagePublisher`, or another object with the events and actions of a `Sender` without reads. */
export interface WorldPublisher {
  handle(event: SenderEvent): Exclude<SenderAction, { type: "read-chunk" }>[];
}

/** A publisher's run in a world. */
export interface PublisherRun {
  /** Its outcome, once there is one. */
  readonly outcome: DeliveryOutcome | undefined;
  readonly isConnected: boolean;
  /** Breaks its connection. It connects again after `backMs` milliseconds. */
  dropConnection(backMs: number): void;
  /** Ends the process, whose connection breaks off. */
  kill(): void;
}

type SenderTimer = Extract<SenderEvent, { readonly type: "timer" }>["timer"];

/** Time between two attempts to connect, in milliseconds. */
const RECONNECT_MS = 1_000;

/** Runs one publisher in virtual time. */
export class PublisherInWorld implements PublisherRun {
  outcome: DeliveryOutcome | undefined;
  readonly link: Link;
  readonly #publisher: WorldPublisher;
  readonly #topicRoot: string;
  readonly #schedule: Schedule;
  readonly #now: () => number;
  readonly #timers: VirtualTimers<SenderTimer>;
  #isKilled = false;

  constructor(publisher: WorldPublisher, topicRoot: string, link: Link, schedule: Schedule, now: () => number) {
    this.#publisher = publisher;
    this.#topicRoot = topicRoot;
    this.link = link;
    this.#schedule = schedule;
    this.#now = now;
    this.#timers = new VirtualTimers(schedule, now, (timer) => this.#handle({ type: "timer", now: now(), timer }));
  }

  get isConnected(): boolean {
    return this.link.isConnected;
  }

  start(): void {
    this.#handle({ type: "start", now: this.#now() });
    this.#connect();
  }

  dropConnection(backMs: number): void {
    if (!this.link.isConnected) return;
    this.link.disconnect(false);
    this.#lose(backMs);
  }

  kill(): void {
    this.#isKilled = true;
    this.#timers.clearAll();
    this.link.disconnect(false);
  }

  #connect(): void {
    if (this.#isKilled || this.link.isConnected) return;
    const isConnected = this.link.connect(undefined, {
      receive: (message, handled) => {
        this.#handle(senderEventOf(this.#topicRoot, message, this.#now()));
        handled?.();
      },
      ended: () => this.#lose(RECONNECT_MS),
    });
    if (isConnected) this.#handle({ type: "connected", now: this.#now() });
    else this.#schedule(RECONNECT_MS, () => this.#connect());
  }

  #lose(backMs: number): void {
    this.#handle({ type: "disconnected", now: this.#now() });
    this.#schedule(backMs, () => this.#connect());
  }

  #handle(event: SenderEvent): void {
    if (this.#isKilled) return;
    for (const action of this.#publisher.handle(event)) {
      switch (action.type) {
        case "publish":
          this.link.publish(action.topic, action.payload, action.retain, action.qos, () =>
            this.#handle({ type: "drained", now: this.#now(), id: action.id }),
          );
          break;
        case "subscribe":
          this.link.subscribe(action.topic);
          break;
        case "set-timer":
          this.#timers.set(action.timer, action.at);
          break;
        case "clear-timer":
          this.#timers.clear(action.timer);
          break;
        case "done":
          this.outcome = action.outcome;
          break;
        case "progress":
          break;
      }
    }
  }
}
