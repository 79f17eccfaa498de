import { PROBES } from "../../src/broker-check/probes.ts";
import type { ConformanceBench } from "./bench.ts";
import type { BrokerKind } from "./brokers-under-test.ts";

/** One behavior of a broker that the protocol relies on. */
export interface Requirement {
  /** The behavior. */
  readonly name: string;
  /** Sentence of docs/protocol.md that needs it, word by word. */
  readonly sentence: string;
  /** What happens with a broker that lacks it. */
  readonly without: string;
  /** @defaultValue `open` */
  readonly kind?: BrokerKind;
  /** Returns what the broker does instead; `undefined` if it has the behavior. */
  check(bench: ConformanceBench): Promise<string | undefined>;
}

/** Returns the requirement that a probe of `broker-check` checks. */
export function probed(probe: string, texts: Pick<Requirement, "name" | "sentence" | "without">): Requirement {
  return {
    ...texts,
    async check({ world }) {
      const outcome = await PROBES.find(({ name }) => name === probe)?.run(world);
      return outcome?.passed === true ? undefined : (outcome?.found ?? `there is no probe ${probe}`);
    },
  };
}
