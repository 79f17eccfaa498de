/** Vectors of chunks that are dropped, and of flash and images that are not as they should be. */

import { offerMessage } from "./vector-documents.ts";
import { downloading, NO_SPACE, type VectorScenario } from "./vector-scenario.ts";
import type { VectorScript } from "./vector-script.ts";

const CHUNK_RULE = "A chunk that does not fit (length, index, image, flags, hash) is dropped and counted, never fatal.";

/** A device that drops one message instead of a chunk. */
function droppedChunk(name: string, payload: (script: VectorScript) => Uint8Array): VectorScenario {
  return {
    name,
    rule: CHUNK_RULE,
    async play(script) {
      await downloading(script);
      const topic = script.topics.imageChunk(script.imageId);
      const b64 = Buffer.from(payload(script)).toString("base64");
      await script.message(topic, { b64 }, { retained: false });
      await script.chunks();
    },
  };
}

/** A chunk message with one byte changed. */
function changedChunk(script: VectorScript, at: number, change: (byte: number) => number): Uint8Array {
  return script.chunkMessage(1).map((byte, index) => (index === at ? change(byte) : byte));
}

/** Chunks that do not fit, flash that fails, and images that must not run. */
export const CHUNK_SCENARIOS: readonly VectorScenario[] = [
  droppedChunk("chunk-of-another-magic", (script) => changedChunk(script, 0, () => 0)),
  droppedChunk("chunk-of-another-version", (script) => changedChunk(script, 2, () => 2)),
  droppedChunk("chunk-with-unknown-flags", (script) => changedChunk(script, 3, () => 2)),
  droppedChunk("compressed-chunk", (script) => changedChunk(script, 3, () => 1)),
  droppedChunk("chunk-of-another-image", (script) => changedChunk(script, 4, (byte) => byte ^ 1)),
  droppedChunk("chunk-out-of-range", (script) => changedChunk(script, 12, () => 99)),
  droppedChunk("chunk-of-another-length", (script) => changedChunk(script, 16, () => 1)),
  droppedChunk("chunk-with-reserved-bits", (script) => changedChunk(script, 18, () => 1)),
  droppedChunk("damaged-chunk", (script) => changedChunk(script, 30, (byte) => byte ^ 1)),
  droppedChunk("chunk-cut-short", (script) => script.chunkMessage(1).subarray(0, 19)),
  {
    name: "chunk-without-a-download",
    rule: CHUNK_RULE,
    async play(script) {
      await script.boot();
      await script.run({ type: "connected" });
      await script.chunk(1);
    },
  },
  {
    name: "erase-fails",
    rule: "A flash operation that fails three times ends the download.",
    async play(script) {
      await downloading(script);
      for (let count = 0; count < 3; count++) await script.chunk(1, { fail: { "erase-sector": NO_SPACE } });
    },
  },
  {
    name: "program-fails-once",
    rule: "A chunk whose write failed is asked for again.",
    async play(script) {
      await downloading(script);
      await script.chunk(1, { fail: { program: NO_SPACE } });
      await script.chunks();
    },
  },
  {
    name: "image-refused-by-the-device",
    rule: "An image that ESP-IDF's own check refuses is made unbootable.",
    async play(script) {
      await downloading(script);
      await script.chunks({ refusedByDevice: 0x2002 });
      await script.offer(offerMessage(script));
    },
  },
  {
    name: "image-for-another-chip",
    rule: "Before the switch the image is verified in flash once more: its descriptor must be the release's.",
    async play(script) {
      await downloading(script);
      await script.chunks({ image: { chip_id: 5 } });
    },
  },
  {
    name: "image-of-another-secure-version",
    rule: "Before the switch the image is verified in flash once more: its descriptor must be the release's.",
    async play(script) {
      await downloading(script);
      await script.chunks({ image: { secure_version: 3 } });
    },
  },
  {
    name: "image-of-another-project",
    rule: "The app descriptor's project name must be that of the running image.",
    async play(script) {
      await downloading(script);
      await script.chunks({ image: { project_name: "other" } });
    },
  },
  {
    name: "waived-project-name",
    rule: "waive gets past a check that a receiver has wrong in the field.",
    async play(script) {
      await downloading(script, offerMessage(script, { waive: ["project-name"] }));
      await script.chunks({ image: { project_name: "other" } });
    },
  },
  {
    name: "flash-unreadable-before-the-switch",
    rule: "An image that can't be read is fetched once more.",
    async play(script) {
      await downloading(script);
      await script.chunks({ fail: { "verify-image": NO_SPACE } });
      await script.chunks({ fail: { "verify-image": NO_SPACE } });
    },
  },
  {
    name: "flash-holds-something-else",
    rule: "All chunks right and the whole image wrong: the slot is cleared and fetched once more, then the download fails.",
    async play(script) {
      await downloading(script);
      const answers = { storedSha256: "ab".repeat(32) };
      await script.chunks(answers);
      await script.chunks(answers);
    },
  },
  {
    name: "boot-partition-not-set",
    rule: "An image that can't be set to boot ends the download.",
    async play(script) {
      await downloading(script);
      await script.chunks({ fail: { "set-boot-partition": NO_SPACE } });
    },
  },
];
