import type { OtaError } from "../errors.ts";
import type { OfferDocument } from "../messages/offer.ts";
import { CHUNK_SIZE } from "../messages/timing.ts";
import type { Release } from "../schemas/types.generated.ts";
import { decideOnFlashFailure } from "./decide-on-flash-failure.ts";
import { decideOnImage } from "./decide-on-image.ts";
import type { DownloadEnd, DownloadEvent, DownloadOptions, DownloadStep } from "./download-events.ts";
import { type DownloadPhase, type DownloadState, STATE_OF_PHASE } from "./download-phase.ts";
import { ImageChunks } from "./image-chunks.ts";
import { ImageRequests } from "./image-requests.ts";
import { type InstallConditions, InstallGate } from "./install-gate.ts";
import type { DropReason, FlashOperation, FlashResult, ReceiverAction, ReceiverContext } from "./receiver-events.ts";

/**
 * Writes one image to the target slot: hash list, scan of the slot, requests, chunks, verification.
 *
 * Sans-IO: {@link Download.handle} takes an event and returns actions. Its parts decide: {@link ImageChunks} which messages
 * fit, {@link ImageRequests} when to ask, {@link decideOnImage} and {@link decideOnFlashFailure} what comes after a flash
 * operation. A download holds one bitmap, the hash list and one chunk. It erases sector 0 first and writes chunk 0 last,
 * so that the slot never holds a bootable image in between.
 */
export class Download {
  readonly offer: OfferDocument;
  readonly release: Release;
  readonly #options: DownloadOptions;
  readonly #chunks: ImageChunks;
  readonly #requests: ImageRequests;
  #phase: DownloadPhase = { name: "hashes" };
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
    this.#options = options;
    this.#chunks = new ImageChunks(release.image, options.sha256);
    this.#requests = new ImageRequests(this.#chunks.id, options);
  }

  /** State of the download, as reports name it. */
  get state(): DownloadState {
    return STATE_OF_PHASE[this.#phase.name];
  }

  /** Chunks of the image. */
  get total(): number {
    return this.#chunks.missing.size;
  }

  /** Chunks that the slot already holds. */
  get received(): number {
    return this.#chunks.missing.size - this.#chunks.missing.count;
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
    const reason = this.#chunks.takeHashes(image, payload);
    if (reason !== undefined) return this.#drop(reason);
    this.#emit({ type: "clear-timer", timer: "request" });
    this.#requests.succeeded();
    this.#scan(0);
  }

  /** fetch → fetch. A chunk that does not fit is counted and forgotten: it costs one chunk, not the download. */
  #onChunk(payload: Uint8Array): void {
    const phase = this.#phase;
    if (phase.name !== "fetch") return this.#drop("not-downloading");
    // One chunk at a time keeps memory at one message; what is dropped here is asked for again.
    if (phase.writing !== undefined) return this.#drop("busy");
    const admission = this.#chunks.admit(payload);
    if (admission.kind === "dropped") {
      if (admission.reason === "early") this.#requests.chunkZeroCameEarly();
      return this.#drop(admission.reason);
    }
    const { chunk } = admission;
    this.#phase = { name: "fetch", writing: chunk };
    this.#emit({ type: "erase-sector", offset: chunk.index * CHUNK_SIZE });
  }

  /** Requests chunks again, or subscribes to the hash list again, which makes the broker repeat it. */
  #onRequestTimer(): void {
    if (!this.#context.isConnected) return;
    if (this.#phase.name === "hashes") this.#emit(...this.#requests.askForHashes(this.#context));
    if (this.#phase.name === "fetch") this.#emit(...this.#requests.ask(this.#chunks.missing, this.#context));
  }

  #onFlashDone(result: FlashResult): void {
    const phase = this.#phase;
    switch (phase.name) {
      case "scan":
        if (result.operation === "read-flash")
          this.#scanned(phase.index, this.#chunks.matches(phase.index, result.bytes));
        return;
      case "invalidate":
        if (result.operation === "erase-sector" && this.#options.isCondemned) {
          this.#emit({ type: "invalidate-otadata" });
          return;
        }
        return this.#fetch();
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
    const decision = decideOnFlashFailure(this.#phase, operation, espErr, this.#flashFailures);
    switch (decision.type) {
      case "ignore":
        return;
      case "miss-chunk":
        return this.#scanned(decision.index, false);
      case "start-over":
        return this.#startOver(decision.error);
      case "fetch":
        return this.#fetch();
      case "erase-again":
        this.#flashFailures++;
        return this.#emit({ type: "erase-sector", offset: 0 });
      case "forget-chunk":
        this.#flashFailures++;
        this.#phase = { name: "fetch", writing: undefined };
        return;
      case "fail":
        return this.#fail(decision.error);
    }
  }

  /** → scan. */
  #scan(index: number): void {
    this.#phase = { name: "scan", index };
    this.#emit(this.#chunks.read(index));
  }

  #scanned(index: number, matches: boolean): void {
    const { missing } = this.#chunks;
    if (matches) missing.delete(index);
    if (index + 1 < missing.size) return this.#scan(index + 1);
    this.#chunks.endScan(this.#startedOver, this.#options.trustsFlash);
    if (missing.count === 0) return this.#verify();
    this.#invalidate();
  }

  #invalidate(): void {
    this.#chunks.missing.add(0);
    this.#phase = { name: "invalidate" };
    this.#emit({ type: "erase-sector", offset: 0 });
  }

  /** invalidate → fetch. */
  #fetch(): void {
    this.#phase = { name: "fetch", writing: undefined };
    this.#askWithinSpread();
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
    this.#chunks.missing.delete(index);
    this.#isUseful = true;
    this.#requests.succeeded();
    if (this.#chunks.missing.count === 0) {
      this.#emit({ type: "clear-timer", timer: "request" });
      return this.#verify();
    }
    this.#emit(...this.#requests.chunkWritten(this.#chunks.missing, this.#context));
  }

  #verify(): void {
    this.#phase = { name: "verify" };
    this.#emit({ type: "verify-image", length: this.release.image.size });
  }

  /** Looks for the chunks that went wrong, once; the second time the image is given up. */
  #startOver(error: OtaError): void {
    if (this.#startedOver) return this.#condemn(error);
    this.#startedOver = true;
    this.#chunks.missing.addAll();
    this.#scan(0);
  }

  /** verify → ready. The image in flash must be what the release says. */
  #verified(result: Extract<FlashResult, { operation: "verify-image" }>): void {
    const { waive = [] } = this.offer;
    const projectName = waive.includes("project-name") ? undefined : this.#options.projectName;
    const decision = decideOnImage(result, this.release.image, projectName);
    if (decision.type === "start-over") return this.#startOver(decision.error);
    if (decision.type === "condemn") return this.#condemn(decision.error);
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
    this.#emit(...this.#requests.askWithin(this.offer.spread_ms ?? 0, this.#chunks.missing, this.#context));
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
