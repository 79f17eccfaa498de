import type { RolloutPlan } from "./rollout-plan.ts";

/** Why a rollout stopped before its last stage had settled. */
export type RolloutStop =
  /** Too many devices failed. */
  | "failures"
  /** Somebody asked for it. */
  | "withdrawn"
  /** Another offer took the place of the rollout's. */
  | "superseded"
  /** No device had ended when the time of a stage was up. */
  | "nobody";

/** How a device ended. */
export type RolloutEnd =
  | "confirmed"
  | "failed"
  /** It ran the image before the rollout offered it. Not in the rate. */
  | "already"
  /** It can't take the image: another chip, too small a slot. Not in the rate. */
  | "unable";

/** What somebody asks of a rollout while it runs. */
export type RolloutRequest = "continue" | "pause" | "withdraw";

/** An offer as it was signed: what a resumed rollout publishes again, byte for byte. */
export interface RolloutOffer {
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly counter: readonly [epoch: number, sequence: number];
  /** The envelopes by topic, in Base64. More than one topic if the rollout names its devices. */
  readonly envelopes: Readonly<Record<string, string>>;
}

/** The release that a rollout offers. */
export interface RolloutSubject {
  /** Product of the release line. */
  readonly product: string;
  /** Version of the release. */
  readonly version: string;
  /** The channel's topic. */
  readonly topic: string;
  /** SHA-256 of the image: 64 hexadecimal digits. */
  readonly image: string;
}

/** A record of a rollout's journal. `at` is in milliseconds since 1970, in UTC. */
export type RolloutRecord =
  | { readonly type: "rollout"; readonly at: number; readonly subject: RolloutSubject; readonly plan: RolloutPlan }
  /** Written before the offer is published. */
  | { readonly type: "offer"; readonly at: number; readonly stage: number; readonly offer: RolloutOffer }
  | {
      readonly type: "ended";
      readonly at: number;
      readonly stage: number;
      readonly device: string;
      readonly end: RolloutEnd;
      /** Code and message of the error that the device reported. */
      readonly error?: { readonly code: string; readonly message: string };
    }
  | { readonly type: "settled"; readonly at: number; readonly stage: number; readonly open: readonly string[] }
  | { readonly type: "request"; readonly at: number; readonly request: RolloutRequest }
  /** Written before the withdrawal is published. */
  | { readonly type: "stopping"; readonly at: number; readonly stage: number; readonly reason: RolloutStop }
  | { readonly type: "stopped"; readonly at: number; readonly stage: number; readonly reason: RolloutStop }
  | { readonly type: "complete"; readonly at: number };
