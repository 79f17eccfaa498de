import { offerMessage } from "./vector-documents.ts";
import type { ScriptOptions, VectorScript } from "./vector-script.ts";

/** A vector to be written. */
export interface VectorScenario extends ScriptOptions {
  readonly name: string;
  play(script: VectorScript): Promise<void>;
}

/** `esp_err_t` of flash operations that fail. */
export const NO_SPACE = 0x1503;

/** Boots, connects and takes an offer. */
export async function accepting(script: VectorScript, offer: Uint8Array = offerMessage(script)): Promise<void> {
  await script.boot();
  await script.run({ type: "connected" });
  await script.offer(offer);
}

/** Boots, connects, takes an offer and its hash list. */
export async function downloading(script: VectorScript, offer?: Uint8Array): Promise<void> {
  await accepting(script, offer);
  await script.hashes();
}
