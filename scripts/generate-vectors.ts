/**
 * Writes the conformance vectors in `vectors/v1` by driving the TypeScript receiver. With `--check`, compares.
 *
 * node --conditions=@tinybms/source scripts/generate-vectors.ts [--check]
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { formatVector } from "../firmware-sim/src/conformance/vector.ts";
import { BOOT_SCENARIOS } from "./vectors/boot-scenarios.ts";
import { CHUNK_SCENARIOS } from "./vectors/chunk-scenarios.ts";
import { DOWNLOAD_SCENARIOS } from "./vectors/download-scenarios.ts";
import { ENVELOPE_SCENARIOS } from "./vectors/envelope-scenarios.ts";
import { INTERRUPTION_SCENARIOS } from "./vectors/interruption-scenarios.ts";
import { KEY_SET_SCENARIOS } from "./vectors/key-set-scenarios.ts";
import { OFFER_MEMBER_SCENARIOS } from "./vectors/offer-member-scenarios.ts";
import { OFFER_SCENARIOS } from "./vectors/offer-scenarios.ts";
import { PROBATION_SCENARIOS } from "./vectors/probation-scenarios.ts";
import { RESTART_SCENARIOS } from "./vectors/restart-scenarios.ts";
import { SIGNED_SCENARIOS } from "./vectors/signed-scenarios.ts";
import { SIGNER_SCENARIOS } from "./vectors/signer-scenarios.ts";
import { STRICT_JSON_SCENARIOS } from "./vectors/strict-json-scenarios.ts";
import { TOPIC_SCENARIOS } from "./vectors/topic-scenarios.ts";
import { VectorScript } from "./vectors/vector-script.ts";

const FOLDER = new URL("../vectors/v1/", import.meta.url);

const scenarios = [
  ...DOWNLOAD_SCENARIOS,
  ...CHUNK_SCENARIOS,
  ...RESTART_SCENARIOS,
  ...PROBATION_SCENARIOS,
  ...OFFER_SCENARIOS,
  ...SIGNED_SCENARIOS,
  ...STRICT_JSON_SCENARIOS,
  ...ENVELOPE_SCENARIOS,
  ...OFFER_MEMBER_SCENARIOS,
  ...KEY_SET_SCENARIOS,
  ...TOPIC_SCENARIOS,
  ...INTERRUPTION_SCENARIOS,
  ...BOOT_SCENARIOS,
  ...SIGNER_SCENARIOS,
];
const files = new Map<string, string>();
for (const { name, play, ...options } of scenarios) {
  if (files.has(`${name}.jsonl`)) throw new Error(`two scenarios are named ${name}`);
  const script = new VectorScript(name, options);
  await play(script);
  files.set(`${name}.jsonl`, formatVector(script.vector));
}

mkdirSync(FOLDER, { recursive: true });
const found = readdirSync(FOLDER).filter((name) => name.endsWith(".jsonl"));
const stale = found.filter((name) => !files.has(name));
const changed = [...files].filter(
  ([name, text]) => !found.includes(name) || readFileSync(new URL(name, FOLDER), "utf8") !== text,
);
if (process.argv.includes("--check")) {
  const wrong = [...stale, ...changed.map(([name]) => name)];
  if (wrong.length > 0) {
    console.error(
      `not as the receiver behaves: ${wrong.join(", ")}; run scripts/generate-vectors.ts and review the changes`,
    );
    process.exitCode = 1;
  }
} else {
  for (const name of stale) rmSync(new URL(name, FOLDER));
  for (const [name, text] of changed) writeFileSync(new URL(name, FOLDER), text);
  console.log(`${files.size} vectors, ${changed.length} changed, ${stale.length} removed`);
}
