import { Bitmap } from "../bitmap.ts";
import type { OtaError } from "../errors.ts";
import { parseChunk } from "../messages/chunk.ts";
import { chunkSizeAt, type HashList, parseHashList } from "../messages/hash-list.ts";
import type { OfferDocument } from "../messages/offer.ts";
import { CHUNK_SIZE } from "../messages/timing.ts";
import { imageIdOf } from "../messages/topics.ts";
import type { Release } from "../schemas/types.generated.ts";
import { distrustFrontier } from "./distrust-frontier.ts";
import type { DownloadEnd, DownloadEvent, DownloadOptions, DownloadStep } from "./download-events.ts";
import { imageProblem, notSwitched, readBackMismatch, rejectedByDevice, unreadable, wornOut } from "./image-problem.ts";
import { ImageRequests } from "./image-requests.ts";
import { type InstallConditions, InstallGate } from "./install-gate.ts";
import type { DropReason, FlashOperation, FlashResult, ReceiverAction, ReceiverContext } from "./receiver-events.ts";

/** Erases and programs that may fail in one download before the flash counts as broken. */
const FLASH_FAILURES_MAX = 3;

type Phase =
  /** Waiting for the hash list. */
  | { readonly name: "hashes" }
  /** Comparing what the slot holds, chunk by chunk. */
  | { readonly name: "scan"; readonly index: number }
  /** Sector 0 is being erased, and a stale verdict of otadata: from here on nothing in the slot starts. */
  | { readonly name: "invalidate" }
  | { readonly name: "fetch"; readonly writing: { readonly index: number; readonly bytes: Uint8Array } | undefined }
  /** Reading the whole image once, to hash and check it. */
  | { readonly name: "verify" }
  /** An image that must not run is being made unbootable. */
  | { readonly name: "condemn"; readonly error: OtaError }
  /** The image passed every check, and may be set to boot. */
  | { readonly name: "ready"; readonly gate: InstallGate }
  /** The image is being set to boot. */
  | { readonly name: "switch" }
  | { readonly name: "ended" };

/** A download's state as reports say it. */
type DownloadState = "checking" | "downloading" | "verifying" | "ready-to-reboot";

const STATE_OF_PHASE: Readonly<Record<Phase["name"], DownloadState>> = {
  hashes: "checking",
  scan: "checking",
  invalidate: "downloading",
  fetch: "downloading",
  verify: "verifying",
  condemn: "verifying",
  ready: "ready-to-reboot",
  switch: "ready-to-reboot",
  ended: "verifying",
};

/**
 * Writes one image to the target slot: hash list, scan of the slot, requests, chunks, verification.
 *
 * Sans-IO: {@link Download.handle} takes an event and returns actions. A download holds one bitmap, the hash list and one
 * chunk. It erases sector 0 first and writes chunk 0 last, so that the slot never holds a bootable image in between.
 */
export class Download {
  readonly offer: OfferDocument;
  readonly release: Release;
  /** First 16 bytes of the image's SHA-256, as topics and messages name it. */
  readonly image: string;
  readonly #options: DownloadOptions;
  readonly #missing: Bitmap;
  readonly #requests: ImageRequests;
  #phase: Phase = { name: "hashes" };
  #hashes: HashList | undefined;
  #startedOver = false;
  #flashFailures = 0;
  #context: ReceiverContext = { now: 0, isConnected: false };
  #actions: ReceiverAction[] = [];
  #dropped: DropReason | undefined;
  #isUseful = false;
  #end: DownloadEnd | undefined;

  constructor(offer: OfferDocument, release: Release, options: DownloadOptions) {
    this.offer = offer;
    this.release = release;
    this.image = imageIdOf(release.image.sha256);
    this.#options = options;
    this.#requests = new ImageRequests(this.image, options);
    this.#missing = new Bitmap(Math.ceil(release.image.size / CHUNK_SIZE));
    this.#missing.addAll();
  }

  get state(): DownloadState {
    return STATE_OF_PHASE[this.#phase.name];
  }

  /** Chunks of the image. */
  get total(): number {
    return this.#missing.size;
  }

  /** Chunks that the slot already holds. */
  get received(): number {
    return this.#missing.size - this.#missing.count;
  }

  /** `true` if the download keeps asking, and neither the hash list nor a useful chunk arrives. */
  get isStalled(): boolean {
    return this.#requests.isStalled;
  }

  /** `true` if the image passed every check and is not being set to boot yet. */
  get isReady(): boolean {
    return this.#phase.name === "ready";
  }

  /** `true` once the image is being set to boot: from then on nothing ends the download. */
  get isSwitching(): boolean {
    return this.#phase.name === "switch";
  }

  /** `true` while a chunk is being written. */
  get isWriting(): boolean {
    return this.#phase.name === "fetch" && this.#phase.writing !== undefined;
  }

  /** Requests made so far. */
  get requests(): number {
    return this.#requests.count;
  }

  /** Takes one event. Ignores flash results that the current phase did not ask for. */
  handle(event: DownloadEvent, context: ReceiverContext): DownloadStep {
    this.#context = context;
    this.#actions = [];
    this.#dropped = undefined;
    this.#isUseful = false;
    this.#end = undefined;
    this.#dispatch(event);
    return { actions: this.#actions, drop: this.#dropped, isUseful: this.#isUseful, end: this.#end };
  }

  #dispatch(event: DownloadEvent): void {
    switch (event.type) {
      case "join":
        return this.#join();
      case "proceed":
        return this.#proceed(event.conditions);
      case "switch":
        if (this.#phase.name === "ready") this.#switch();
        return;
      case "leave":
        return this.#emit(...this.#requests.leave(this.#context));
      case "hashes":
        return this.#onHashes(event.image, event.payload);
      case "chunk":
        return this.#onChunk(event.payload);
      case "timer":
        if (event.timer === "request") this.#onRequestTimer();
        return;
      case "flash-done":
        return this.#onFlashDone(event.result);
      case "flash-failed":
        return this.#onFlashFailed(event.operation, event.espErr);
    }
  }

  /** Subscribes to the image's topics, and asks for what is missing. */
  #join(): void {
    if (!this.#context.isConnected) return;
    this.#emit(...this.#requests.join());
    if (this.#phase.name === "hashes") this.#emit(...this.#requests.awaitHashes(this.#context));
    if (this.#phase.name === "fetch") this.#askWithinSpread();
  }

  /** hashes → scan. A list that is not the one the release commits to is dropped. */
  #onHashes(image: string, payload: Uint8Array): void {
    if (this.#phase.name !== "hashes") return this.#drop("duplicate");
    if (image !== this.image) return this.#drop("other-image");
    try {
      this.#hashes = parseHashList(payload, this.release.image.size, this.release.image.hash_list_sha256);
    } catch {
      return this.#drop("malformed");
    }
    this.#emit({ type: "clear-timer", timer: "request" });
    this.#requests.succeeded();
    this.#phase = { name: "scan", index: 0 };
    this.#read(0);
  }

  /** fetch → fetch. A chunk that does not fit is counted and forgotten: it costs one chunk, not the download. */
  #onChunk(payload: Uint8Array): void {
    const phase = this.#phase;
    if (phase.name !== "fetch") return this.#drop("not-downloading");
    // One chunk at a time keeps memory at one message; what is dropped here is asked for again.
    if (phase.writing !== undefined) return this.#drop("busy");
    let chunk: ReturnType<typeof parseChunk>;
    try {
      chunk = parseChunk(payload);
    } catch {
      return this.#drop("malformed");
    }
    const { index, bytes } = chunk;
    if (chunk.deflate) return this.#drop("unsupported");
    if (!this.image.startsWith(chunk.image)) return this.#drop("other-image");
    if (index >= this.#missing.size) return this.#drop("out-of-range");
    if (!this.#missing.has(index)) return this.#drop("duplicate");
    if (index === 0 && this.#missing.count > 1) {
      this.#requests.chunkZeroCameEarly();
      return this.#drop("early");
    }
    if (!this.#matches(index, bytes)) return this.#drop("hash-mismatch");
    this.#phase = { name: "fetch", writing: { index, bytes } };
    this.#emit({ type: "erase-sector", offset: index * CHUNK_SIZE });
  }

  /** Requests chunks again, or subscribes to the hash list again, which makes the broker repeat it. */
  #onRequestTimer(): void {
    if (!this.#context.isConnected) return;
    if (this.#phase.name === "hashes") this.#emit(...this.#requests.askForHashes(this.#context));
    if (this.#phase.name === "fetch") this.#emit(...this.#requests.ask(this.#missing, this.#context));
  }

  #onFlashDone(result: FlashResult): void {
    const phase = this.#phase;
    switch (phase.name) {
      case "scan":
        if (result.operation === "read-flash") this.#scanned(phase.index, this.#matches(phase.index, result.bytes));
        return;
      case "invalidate":
        if (result.operation === "erase-sector" && this.#options.isCondemned) {
          this.#emit({ type: "invalidate-otadata" });
          return;
        }
        this.#phase = { name: "fetch", writing: undefined };
        return this.#askWithinSpread();
      case "fetch":
        return this.#wrote(result);
      case "verify":
        if (result.operation === "verify-image") this.#verified(result);
        return;
      case "condemn":
        return this.#fail(phase.error);
      case "switch":
        if (result.operation === "set-boot-partition") this.#end = { type: "switched" };
        return;
      case "hashes":
      case "ready":
      case "ended":
        return;
    }
  }

  #onFlashFailed(operation: FlashOperation, espErr: number): void {
    const phase = this.#phase;
    if (phase.name === "scan") return this.#scanned(phase.index, false);
    if (phase.name === "verify") return this.#startOver(unreadable(espErr));
    if (phase.name === "condemn") return this.#onFlashDone({ operation: "erase-sector" });
    // An inactive entry that can't be invalidated does not exist: there was nothing stale.
    if (phase.name === "invalidate" && operation === "invalidate-otadata") {
      return this.#onFlashDone({ operation });
    }
    if (phase.name === "switch" && operation === "set-boot-partition") return this.#fail(notSwitched(espErr));
    if (phase.name !== "fetch" && phase.name !== "invalidate") return;
    const sector = phase.name === "fetch" ? (phase.writing?.index ?? 0) : 0;
    this.#flashFailures++;
    if (this.#flashFailures >= FLASH_FAILURES_MAX) return this.#fail(wornOut(sector, espErr));
    if (phase.name === "invalidate") return this.#emit({ type: "erase-sector", offset: 0 });
    this.#phase = { name: "fetch", writing: undefined };
  }

  #scanned(index: number, matches: boolean): void {
    if (matches) this.#missing.delete(index);
    if (index + 1 < this.#missing.size) {
      this.#phase = { name: "scan", index: index + 1 };
      return this.#read(index + 1);
    }
    // Every chunk is right and the whole is wrong: fetched once more, all of it.
    if (this.#startedOver && this.#missing.count === 0) this.#missing.addAll();
    if (!this.#options.trustsFlash) distrustFrontier(this.#missing);
    if (this.#missing.count === 0) return this.#verify();
    this.#invalidate();
  }

  #invalidate(): void {
    this.#missing.add(0);
    this.#phase = { name: "invalidate" };
    this.#emit({ type: "erase-sector", offset: 0 });
  }

  #wrote(result: FlashResult): void {
    const phase = this.#phase;
    if (phase.name !== "fetch" || phase.writing === undefined) return;
    const { index, bytes } = phase.writing;
    if (result.operation === "erase-sector") {
      return this.#emit({ type: "program", offset: index * CHUNK_SIZE, bytes });
    }
    if (result.operation !== "program") return;
    this.#phase = { name: "fetch", writing: undefined };
    this.#missing.delete(index);
    this.#isUseful = true;
    this.#requests.succeeded();
    if (this.#missing.count === 0) {
      this.#emit({ type: "clear-timer", timer: "request" });
      return this.#verify();
    }
    this.#emit(...this.#requests.chunkWritten(this.#missing, this.#context));
  }

  #verify(): void {
    this.#phase = { name: "verify" };
    this.#emit({ type: "verify-image", length: this.release.image.size });
  }

  /** Looks for the chunks that went wrong, once; the second time the image is given up. */
  #startOver(error: OtaError): void {
    if (this.#startedOver) return this.#condemn(error);
    this.#startedOver = true;
    this.#missing.addAll();
    this.#phase = { name: "scan", index: 0 };
    this.#read(0);
  }

  /** verify → switch. The image in flash must be what the release says. Checks of single chunks are not enough. */
  #verified({ storedSha256, image }: Extract<FlashResult, { operation: "verify-image" }>): void {
    const expected = this.release.image;
    if (storedSha256 !== expected.sha256) return this.#startOver(readBackMismatch(expected.sha256, storedSha256));
    if ("espErr" in image) return this.#condemn(rejectedByDevice(image.espErr));
    const { waive = [] } = this.offer;
    const expectedProject = waive.includes("project-name") ? undefined : this.#options.projectName;
    const problem = imageProblem(image, expected, expectedProject);
    if (problem !== undefined) return this.#condemn(problem);
    this.#phase = { name: "ready", gate: new InstallGate(this.offer, this.#context.now, this.#options.random) };
    this.#end = { type: "ready" };
  }

  #proceed(conditions: InstallConditions): void {
    if (this.#phase.name !== "ready") return;
    const decision = this.#phase.gate.decide(conditions);
    this.#end = { type: decision.type === "switch" ? "allowed" : "held" };
    if (decision.type === "wait" && decision.until !== undefined) {
      this.#emit({ type: "set-timer", timer: "install", at: decision.until });
    }
  }

  #switch(): void {
    this.#phase = { name: "switch" };
    this.#emit({ type: "set-boot-partition" });
  }

  #condemn(error: OtaError): void {
    this.#phase = { name: "condemn", error };
    this.#emit({ type: "erase-sector", offset: 0 });
  }

  #askWithinSpread(): void {
    this.#emit(...this.#requests.askWithin(this.offer.spread_ms ?? 0, this.#missing, this.#context));
  }

  #read(index: number): void {
    const length = chunkSizeAt(index, this.release.image.size);
    this.#emit({ type: "read-flash", offset: index * CHUNK_SIZE, length });
  }

  #matches(index: number, bytes: Uint8Array): boolean {
    return bytes.length === chunkSizeAt(index, this.release.image.size) && this.#hashes?.matches(index, bytes) === true;
  }

  #fail(error: OtaError): void {
    this.#phase = { name: "ended" };
    this.#end = { type: "failed", error };
  }

  #drop(reason: DropReason): void {
    this.#dropped = reason;
  }

  #emit(...actions: readonly ReceiverAction[]): void {
    this.#actions.push(...actions);
  }
}
