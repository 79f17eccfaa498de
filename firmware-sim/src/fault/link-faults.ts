import { parseTopic } from "@tinybms/ota-core";
import type { Random } from "../random/random.ts";
import { DELAY_MS, type Fault, type FaultyMessage, faultsOf, type MessageFault } from "./fault.ts";

/** Delay of each copy of a message, in milliseconds; empty if the message is lost. */
export type DeliveryDelays = readonly number[];

/** Applies the message faults of one device to the link with its broker. */
export class LinkFaults {
  readonly #topicRoot: string;
  #faults: readonly MessageFault[];
  readonly #random: Random;

  constructor(faults: readonly Fault[], device: string, topicRoot: string, random: Random) {
    this.#topicRoot = topicRoot;
    this.#faults = faultsOf(faults, device).filter((fault) => "message" in fault);
    this.#random = random;
  }

  /** Decides how many copies of a message on a topic are delivered, and how late. */
  deliveryDelays(topic: string): DeliveryDelays {
    if (this.#faults.length === 0) return [0];
    const kind = this.#kindOf(topic);
    let delays = [0];
    for (const fault of this.#faults) {
      if (fault.message !== "any" && fault.message !== kind) continue;
      if (!this.#random.bool(fault.probability)) continue;
      if (fault.type === "lose") return [];
      if (fault.type === "duplicate") delays = [...delays, 0];
      else delays = delays.map((delay) => delay + this.#random.integer(0, fault.delayMs ?? DELAY_MS));
    }
    return delays;
  }

  /** Ends the faults. */
  stop(): void {
    this.#faults = [];
  }

  #kindOf(topic: string): FaultyMessage {
    const kind = parseTopic(this.#topicRoot, topic)?.kind;
    if (kind === "image-chunk" || kind === "device-chunk") return "chunk";
    if (kind === "device-offer") return "offer";
    return kind === undefined || kind === "keys" ? "any" : kind;
  }
}
