import { beforeEach, expect, test } from "vitest";
import { imageIdOfBytes, offerOf, releaseOf, TOPIC_ROOT } from "../../test/bench-offer.ts";
import { toHex } from "../bytes.ts";
import { OtaError } from "../errors.ts";
import { buildAppImage } from "../image/build-app-image.ts";
import { buildChunk } from "../messages/chunk.ts";
import { buildHashList } from "../messages/hash-list.ts";
import { CHUNK_SIZE, RECEIVER_TIMING } from "../messages/timing.ts";
import { topicsOf } from "../messages/topics.ts";
import { sha256 } from "../sha256.ts";
import { Download } from "./download.ts";
import type { DownloadStep } from "./download-events.ts";
import { readOffer } from "./received-offer.ts";
import type { FlashOperation, FlashResult, StoredImage } from "./receiver-events.ts";

const IMAGE = buildAppImage({
  chip: "esp32",
  version: "1.1.0",
  projectName: "bench",
  sizeBytes: 3 * CHUNK_SIZE,
  seed: 2,
});
const COUNT = Math.ceil(IMAGE.length / CHUNK_SIZE);
const CONTEXT = { now: 1_000, isConnected: true };
const BLANK: FlashResult = { operation: "read-flash", bytes: new Uint8Array(CHUNK_SIZE) };
const ERASED: FlashResult = { operation: "erase-sector" };

let download: Download;

beforeEach(() => {
  const received = readOffer(offerOf(releaseOf(IMAGE)));
  if (received instanceof OtaError) throw received;
  download = new Download(received.offer, received.release!, {
    device: "bench-1",
    topics: topicsOf(TOPIC_ROOT),
    timing: RECEIVER_TIMING,
    window: 0,
    projectName: "bench",
    trustsFlash: true,
    isCondemned: false,
    random: () => 0,
  });
});

function done(result: FlashResult): DownloadStep {
  return download.handle({ type: "flash-done", now: 0, result }, CONTEXT);
}

function failed(operation: FlashOperation): DownloadStep {
  return download.handle({ type: "flash-failed", now: 0, operation, espErr: 0x105 }, CONTEXT);
}

function chunk(index: number, bytes = IMAGE.subarray(index * CHUNK_SIZE, (index + 1) * CHUNK_SIZE)): DownloadStep {
  const payload = buildChunk({ image: imageIdOfBytes(IMAGE), index, bytes });
  return download.handle({ type: "chunk", now: 0, payload }, CONTEXT);
}

function typesOf({ actions }: DownloadStep): string[] {
  return actions.map(({ type }) => type);
}

/** Joined, given the hash list, and done with an empty slot. */
function fetching(): DownloadStep {
  download.handle({ type: "join" }, CONTEXT);
  const list = buildHashList(IMAGE);
  download.handle({ type: "hashes", now: 0, image: imageIdOfBytes(IMAGE), payload: list }, CONTEXT);
  for (let index = 0; index < COUNT; index++) done(BLANK);
  return done(ERASED);
}

/** All chunks are written, and the image is to be verified. */
function complete(): DownloadStep {
  fetching();
  let step: DownloadStep | undefined;
  for (const index of [...Array.from({ length: COUNT - 1 }, (_, position) => position + 1), 0]) {
    chunk(index);
    done(ERASED);
    step = done({ operation: "program" });
  }
  return step!;
}

const SHA256 = toHex(sha256(IMAGE));
const STORED: StoredImage = { sha256: SHA256, chipId: 0, secureVersion: 0, projectName: "bench" };

function verified(changes: Partial<StoredImage> = {}): DownloadStep {
  complete();
  return done({ operation: "verify-image", storedSha256: SHA256, image: { ...STORED, ...changes } });
}

test("subscribes and asks for nothing while it has no hash list", () => {
  expect(typesOf(download.handle({ type: "join" }, CONTEXT))).toEqual([
    ...["subscribe", "subscribe", "subscribe"],
    "set-timer",
  ]);
  expect(download.handle({ type: "join" }, { ...CONTEXT, isConnected: false }).actions).toEqual([]);
  expect(chunk(1).drop).toBe("not-downloading");
});

test("asks for its hash list ever more rarely, and counts as stalled after five times without effect", () => {
  const waits: number[] = [];
  let step = download.handle({ type: "join" }, CONTEXT);
  for (let ask = 0; ask < 8; ask++) {
    const timer = step.actions.find((action) => action.type === "set-timer");
    waits.push(timer!.at - CONTEXT.now);
    expect(download.isStalled).toBe(ask >= 5);
    step = download.handle({ type: "timer", now: 0, timer: "request" }, CONTEXT);
    expect(step.actions[0]).toEqual({ type: "subscribe", topic: topicsOf(TOPIC_ROOT).hashes(imageIdOfBytes(IMAGE)) });
  }
  expect(waits).toEqual([1_500, 3_000, 6_000, 12_000, 24_000, 48_000, 60_000, 60_000]);
  fetching();
  expect(download.isStalled).toBe(false);
});

test("erases sector 0 after the scan, and then requests what is missing", () => {
  expect(typesOf(fetching())).toEqual(["publish", "set-timer"]);
  expect(download).toMatchObject({ state: "downloading", received: 0, total: COUNT, requests: 1 });
});

test("erases and programs a chunk before it counts as useful", () => {
  fetching();
  expect(chunk(1)).toMatchObject({ actions: [{ type: "erase-sector", offset: CHUNK_SIZE }], isUseful: false });
  expect(done(ERASED)).toMatchObject({ actions: [{ type: "program", offset: CHUNK_SIZE }], isUseful: false });
  expect(done({ operation: "program" }).isUseful).toBe(true);
  expect(download.received).toBe(1);
});

test("drops a chunk that is early, busy, out of range, wrong or known, and says why", () => {
  fetching();
  expect(chunk(0).drop).toBe("early");
  expect(chunk(COUNT, new Uint8Array(CHUNK_SIZE)).drop).toBe("out-of-range");
  expect(chunk(1, new Uint8Array(CHUNK_SIZE)).drop).toBe("hash-mismatch");
  chunk(1);
  expect(chunk(2).drop).toBe("busy");
  done(ERASED);
  done({ operation: "program" });
  expect(chunk(1).drop).toBe("duplicate");
});

test("ends ready with a whole image, and switched once it is set to boot", () => {
  expect(verified()).toMatchObject({ actions: [], end: { type: "ready" } });
  expect(download).toMatchObject({ state: "ready-to-reboot", isReady: true, isSwitching: false });
  expect(download.handle({ type: "switch" }, CONTEXT).actions).toEqual([{ type: "set-boot-partition" }]);
  expect(download).toMatchObject({ state: "ready-to-reboot", isReady: false, isSwitching: true });
  expect(download.handle({ type: "switch" }, CONTEXT).actions, "only once").toEqual([]);
  expect(done({ operation: "set-boot-partition" }).end).toEqual({ type: "switched" });
});

test("fails if the image can't be set to boot", () => {
  verified();
  download.handle({ type: "switch" }, CONTEXT);
  expect(failed("set-boot-partition").end).toMatchObject({
    type: "failed",
    error: { code: "delivery/image-rejected" },
  });
});

test.for([
  [{ sha256: "00".repeat(32) }, "delivery/image-mismatch"],
  [{ chipId: 9 }, "offer/wrong-chip"],
  [{ secureVersion: 3 }, "offer/secure-version"],
  [{ projectName: "other" }, "offer/wrong-project"],
] as const)("makes an image unbootable before it fails: %o", ([changes, code]) => {
  expect(verified(changes)).toMatchObject({ actions: [{ type: "erase-sector", offset: 0 }], end: undefined });
  expect(done(ERASED).end).toMatchObject({ type: "failed", error: { code } });
});

test("reads the whole image once", () => {
  expect(complete().actions).toEqual([
    { type: "clear-timer", timer: "request" },
    { type: "verify-image", length: IMAGE.length },
  ]);
  expect(download.state).toBe("verifying");
});

test("makes an image unbootable that is the release's and that ESP-IDF refuses", () => {
  complete();
  const refused = done({ operation: "verify-image", storedSha256: SHA256, image: { espErr: 0x2002 } });
  expect(refused).toMatchObject({ actions: [{ type: "erase-sector", offset: 0 }], end: undefined });
  expect(done(ERASED).end).toMatchObject({ error: { code: "delivery/image-rejected", details: { espErr: 0x2002 } } });
});

test.for([
  ["can't be read", () => failed("verify-image"), "delivery/image-rejected"],
  [
    "is not the release's, whatever ESP-IDF says of it",
    () => done({ operation: "verify-image", storedSha256: "00".repeat(32), image: { espErr: 0x2002 } }),
    "delivery/image-mismatch",
  ],
] as const)("scans the slot once more if the image %s, and gives up the second time", ([, answer, code]) => {
  complete();
  expect(answer()).toMatchObject({ actions: [{ type: "read-flash", offset: 0 }], end: undefined });
  expect(download.state).toBe("checking");
  for (let index = 0; index < COUNT; index++) done(BLANK);
  done(ERASED);
  for (const index of [...Array.from({ length: COUNT - 1 }, (_, position) => position + 1), 0]) {
    chunk(index);
    done(ERASED);
    done({ operation: "program" });
  }
  expect(answer().actions).toEqual([{ type: "erase-sector", offset: 0 }]);
  expect(done(ERASED).end).toMatchObject({ type: "failed", error: { code } });
});

test("gives a slot up after three failed erases", () => {
  fetching();
  for (let attempt = 0; attempt < 2; attempt++) {
    chunk(1);
    expect(failed("erase-sector").end).toBeUndefined();
  }
  chunk(1);
  expect(failed("erase-sector").end).toMatchObject({
    error: { code: "delivery/flash-failed", details: { sector: 1 } },
  });
});

test("leaves every topic that it joined", () => {
  const joined = download
    .handle({ type: "join" }, CONTEXT)
    .actions.flatMap((action) => (action.type === "subscribe" ? [action.topic] : []));
  const { actions } = download.handle({ type: "leave" }, CONTEXT);
  expect(actions.flatMap((action) => (action.type === "unsubscribe" ? [action.topic] : []))).toEqual(joined);
  expect(actions[0]).toEqual({ type: "clear-timer", timer: "request" });
});
