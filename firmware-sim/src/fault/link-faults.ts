import { parseTopic } from "@tinybms/ota-core";
import type { Random } from "../random/random.ts";
import { DELAY_MS, type Fault, faultsOf, type MessageFault, type MessageKind } from "./fault.ts";

/** When each copy of a message arrives, in milliseconds later than it would; none: it is lost. */
export type Fate = readonly number[];

/** What the link between a device and its broker does to messages. */
export class LinkFaults {
  readonly #topicRoot: string;
  readonly #faults: readonly MessageFault[];
  readonly #random: Random;

  constructor(faults: readonly Fault[], device: string, topicRoot: string, random: Random) {
    this.#topicRoot = topicRoot;
    this.#faults = faultsOf(faults, device).filter((fault) => "message" in fault);
    this.#random = random;
  }

  /** Decides what becomes of one message. */
  fateOf(topic: string): Fate {
    if (this.#faults.length === 0) return [0];
    const kind = this.#kindOf(topic);
    let fate = [0];
    for (const fault of this.#faults) {
      if (fault.message !== "any" && fault.message !== kind) continue;
      if (!this.#random.bool(fault.probability)) continue;
      if (fault.type === "lose") return [];
      if (fault.type === "duplicate") fate = [...fate, 0];
      else fate = fate.map((delay) => delay + this.#random.integer(0, fault.delayMs ?? DELAY_MS));
    }
    return fate;
  }

  #kindOf(topic: string): MessageKind {
    const kind = parseTopic(this.#topicRoot, topic)?.kind;
    if (kind === "image-chunk" || kind === "device-chunk") return "chunk";
    if (kind === "device-offer") return "offer";
    return kind === undefined || kind === "keys" ? "any" : kind;
  }
}
