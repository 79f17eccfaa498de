import { expect, test } from "vitest";
import {
  buildWasm,
  committedWasmHash,
  compilerVersion,
  hashSources,
  readProvenance,
  sha256,
} from "../scripts/build-wasm.ts";

const HINT = "run node scripts/build-wasm.ts";

test("the committed WebAssembly was built from the sources that are here", () => {
  expect(readProvenance().sources, HINT).toEqual(hashSources());
});

test("the committed WebAssembly is the one of its provenance", () => {
  expect(committedWasmHash(), HINT).toBe(readProvenance().wasm);
});

test.skipIf(compilerVersion() !== readProvenance().compiler)("the same compiler builds the same WebAssembly", () => {
  expect(sha256(buildWasm())).toBe(readProvenance().wasm);
});
