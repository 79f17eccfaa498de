import { Bitmap } from "../bitmap.ts";
import { OtaError } from "../errors.ts";
import { parseChunk } from "../messages/chunk.ts";
import { chunkSizeAt, type HashList, parseHashList } from "../messages/hash-list.ts";
import type { OfferDocument } from "../messages/offer.ts";
import { buildRequest, REQUEST_RANGES_MAX } from "../messages/request.ts";
import { CHUNK_SIZE, type ReceiverTiming } from "../messages/timing.ts";
import { imageIdOf, type Topics } from "../messages/topics.ts";
import type { Release } from "../schemas/types.generated.ts";
import type { DropReason, FlashOperation, FlashResult, ReceiverAction, ReceiverTimer } from "./receiver-events.ts";

/** Erases and programs that may fail in one download before the flash counts as broken. */
const FLASH_FAILURES_MAX = 3;

/** Fruitless requests after which answers are asked for on the device's own topic. */
const UNICAST_AFTER = 3;

/** What a download needs of the receiver that runs it. */
export interface DownloadHost {
  readonly device: string;
  readonly topics: Topics;
  readonly timing: ReceiverTiming;
  /** Chunks that the device has room for before it asks again; 0: whatever comes. */
  readonly window: number;
  readonly projectName: string;
  /** The slot was last written by a boot that ended cleanly; otherwise cells beside a gap are not trusted. */
  readonly trustsFlash: boolean;
  /** The target slot's otadata entry still says that an earlier image failed. */
  readonly condemned: boolean;
  isConnected(): boolean;
  random(): number;
  emit(action: ReceiverAction): void;
  drop(reason: DropReason): void;
  /** The image in the slot is whole and passed every check: it may be set to boot. */
  ready(): void;
  /** The download ended without an image. */
  fail(error: OtaError): void;
}

type Phase =
  /** Waiting for the hash list. */
  | { readonly name: "hashes" }
  /** Comparing what the slot holds, chunk by chunk. */
  | { readonly name: "scan"; readonly index: number }
  /** Sector 0 is being erased, and a stale verdict of otadata: from here on nothing in the slot starts. */
  | { readonly name: "invalidate" }
  | { readonly name: "fetch"; readonly writing: { readonly index: number; readonly bytes: Uint8Array } | undefined }
  /** Reading the whole image back, once, before anything trusts it. */
  | { readonly name: "read-back" }
  /** ESP-IDF's own check. */
  | { readonly name: "verify" }
  /** An image that must not run is being made unbootable. */
  | { readonly name: "condemn"; readonly error: OtaError }
  | { readonly name: "ended" };

/** A download's state as reports say it. */
type DownloadState = "checking" | "downloading" | "verifying" | "ready-to-reboot";

const STATE_OF_PHASE: Readonly<Record<Phase["name"], DownloadState>> = {
  hashes: "checking",
  scan: "checking",
  invalidate: "downloading",
  fetch: "downloading",
  "read-back": "verifying",
  verify: "verifying",
  condemn: "verifying",
  ended: "ready-to-reboot",
};

/**
 * Gets one image into the target slot: hash list, scan of what is there, requests, chunks, read-back, verification.
 *
 * Sans-IO: it emits actions through its host and is fed their results. It holds one bitmap, the hash list and one
 * chunk. Chunk 0 is written last and sector 0 erased first, so that at no moment in between the slot holds anything
 * that starts.
 */
export class Download {
  readonly offer: OfferDocument;
  readonly release: Release;
  /** First 16 bytes of the image's SHA-256, as topics and messages name it. */
  readonly image: string;
  readonly #host: DownloadHost;
  readonly #missing: Bitmap;
  #phase: Phase = { name: "hashes" };
  #hashes: HashList | undefined;
  #fruitless = 0;
  #windowLeft = 0;
  #sawChunkZero = false;
  #startedOver = false;
  #flashFailures = 0;
  #requests = 0;

  constructor(offer: OfferDocument, release: Release, host: DownloadHost) {
    this.offer = offer;
    this.release = release;
    this.image = imageIdOf(release.image.sha256);
    this.#host = host;
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

  /** Chunks known to stand in the slot. */
  get received(): number {
    return this.#missing.size - this.#missing.count;
  }

  /** It keeps asking, and nothing useful comes. */
  get stalled(): boolean {
    return this.#fruitless > this.#host.timing.stalledAfter;
  }

  /** Requests made so far. */
  get requests(): number {
    return this.#requests;
  }

  /** Subscribes to the image's topics, and asks at once for what is missing. Called at the start and at each connect. */
  join(now: number): void {
    if (!this.#host.isConnected()) return;
    const { topics, device } = this.#host;
    this.#host.emit({ type: "subscribe", topic: topics.imageChunk(this.image) });
    this.#host.emit({ type: "subscribe", topic: topics.deviceChunk(device) });
    this.#host.emit({ type: "subscribe", topic: topics.hashes(this.image) });
    if (this.#phase.name === "hashes") this.#setTimer("request", now + this.#retryDelay());
    if (this.#phase.name === "fetch") this.#askWithin(this.offer.spread_ms ?? 0, now);
  }

  /** Leaves the image's topics and stops asking. */
  leave(): void {
    const { topics, device } = this.#host;
    this.#host.emit({ type: "clear-timer", timer: "request" });
    if (!this.#host.isConnected()) return;
    for (const topic of [topics.imageChunk(this.image), topics.deviceChunk(device), topics.hashes(this.image)]) {
      this.#host.emit({ type: "unsubscribe", topic });
    }
  }

  /** hashes → scan. A list that is not the one the release commits to is dropped. */
  onHashes(image: string, payload: Uint8Array): void {
    if (this.#phase.name !== "hashes") return this.#host.drop("duplicate");
    if (image !== this.image) return this.#host.drop("other-image");
    try {
      this.#hashes = parseHashList(payload, this.release.image.size, this.release.image.hash_list_sha256);
    } catch {
      return this.#host.drop("malformed");
    }
    this.#host.emit({ type: "clear-timer", timer: "request" });
    this.#fruitless = 0;
    this.#phase = { name: "scan", index: 0 };
    this.#read(0);
  }

  /** fetch → fetch. A chunk that does not fit is counted and forgotten: it costs one chunk, not the download. */
  onChunk(payload: Uint8Array): void {
    const phase = this.#phase;
    if (phase.name !== "fetch") return this.#host.drop("not-downloading");
    let chunk: ReturnType<typeof parseChunk>;
    try {
      chunk = parseChunk(payload);
    } catch {
      return this.#host.drop("malformed");
    }
    const { index, bytes } = chunk;
    if (chunk.deflate) return this.#host.drop("unsupported");
    if (!this.image.startsWith(chunk.image)) return this.#host.drop("other-image");
    if (index >= this.#missing.size) return this.#host.drop("out-of-range");
    if (!this.#missing.has(index)) return this.#host.drop("duplicate");
    if (index === 0 && this.#missing.count > 1) {
      this.#sawChunkZero = true;
      return this.#host.drop("early");
    }
    // One flash operation at a time keeps memory at one chunk; what is dropped here is asked for again.
    if (phase.writing !== undefined) return this.#host.drop("busy");
    if (!this.#matches(index, bytes)) return this.#host.drop("hash-mismatch");
    this.#phase = { name: "fetch", writing: { index, bytes } };
    this.#host.emit({ type: "erase-sector", offset: index * CHUNK_SIZE });
  }

  /** Asks again: for chunks, or for the hash list by subscribing anew, which makes the broker repeat it. */
  onRequestTimer(now: number): void {
    if (!this.#host.isConnected()) return;
    if (this.#phase.name === "hashes") {
      this.#fruitless++;
      this.#host.emit({ type: "subscribe", topic: this.#host.topics.hashes(this.image) });
      this.#setTimer("request", now + this.#retryDelay());
    }
    if (this.#phase.name === "fetch") this.#ask(now);
  }

  onFlashDone(result: FlashResult, now: number): void {
    const phase = this.#phase;
    switch (phase.name) {
      case "scan":
        if (result.operation === "read-flash") this.#scanned(phase.index, this.#matches(phase.index, result.bytes));
        return;
      case "invalidate":
        if (result.operation === "erase-sector" && this.#host.condemned) {
          this.#host.emit({ type: "invalidate-otadata" });
          return;
        }
        this.#phase = { name: "fetch", writing: undefined };
        return this.#askWithin(this.offer.spread_ms ?? 0, now);
      case "fetch":
        return this.#wrote(result, now);
      case "read-back":
        if (result.operation === "hash-flash") this.#readBack(result.sha256);
        return;
      case "verify":
        if (result.operation === "verify-image") this.#verified(result);
        return;
      case "condemn":
        this.#phase = { name: "ended" };
        return this.#host.fail(phase.error);
      case "hashes":
      case "ended":
        return;
    }
  }

  onFlashFailed(operation: FlashOperation, espErr: number, now: number): void {
    const phase = this.#phase;
    if (phase.name === "scan") return this.#scanned(phase.index, false);
    if (phase.name === "read-back") return this.#startOver(unreadable(espErr));
    if (phase.name === "verify") return this.#condemn(rejectedByDevice(espErr));
    if (phase.name === "condemn") return this.onFlashDone({ operation: "erase-sector" }, now);
    // An inactive entry that can't be invalidated is none: there was nothing stale.
    if (phase.name === "invalidate" && operation === "invalidate-otadata") {
      return this.onFlashDone({ operation }, now);
    }
    if (phase.name !== "fetch" && phase.name !== "invalidate") return;
    const sector = phase.name === "fetch" ? (phase.writing?.index ?? 0) : 0;
    this.#flashFailures++;
    if (this.#flashFailures >= FLASH_FAILURES_MAX) {
      const message = `sector ${sector} of the slot can't be written (esp_err 0x${espErr.toString(16)}); the flash may be worn out`;
      this.#phase = { name: "ended" };
      return this.#host.fail(new OtaError("delivery/flash-failed", message, { sector }));
    }
    if (phase.name === "invalidate") return this.#host.emit({ type: "erase-sector", offset: 0 });
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
    if (!this.#host.trustsFlash) this.#distrustFrontier();
    if (this.#missing.count === 0) return this.#startReadBack();
    this.#invalidate();
  }

  /**
   * Cells cut off in the middle of an operation can read well once and badly later: chunks beside a gap are fetched
   * again, and of a slot that looks whole the one written last, chunk 0.
   */
  #distrustFrontier(): void {
    const gaps = this.#missing.ranges();
    if (gaps.length === 0) this.#missing.add(0);
    // Chunks come in ascending order, chunk 0 after the last: where it is missing, the last may be the one cut off.
    if (this.#missing.has(0)) this.#missing.add(this.#missing.size - 1);
    for (const [first, count] of gaps) {
      if (first > 0) this.#missing.add(first - 1);
      if (first + count < this.#missing.size) this.#missing.add(first + count);
    }
  }

  #invalidate(): void {
    this.#missing.add(0);
    this.#phase = { name: "invalidate" };
    this.#host.emit({ type: "erase-sector", offset: 0 });
  }

  #wrote(result: FlashResult, now: number): void {
    const phase = this.#phase;
    if (phase.name !== "fetch" || phase.writing === undefined) return;
    const { index, bytes } = phase.writing;
    if (result.operation === "erase-sector") {
      return this.#host.emit({ type: "program", offset: index * CHUNK_SIZE, bytes });
    }
    if (result.operation !== "program") return;
    this.#phase = { name: "fetch", writing: undefined };
    this.#missing.delete(index);
    this.#fruitless = 0;
    if (this.#missing.count === 0) {
      this.#host.emit({ type: "clear-timer", timer: "request" });
      return this.#startReadBack();
    }
    if (this.#windowLeft > 0) this.#windowLeft--;
    const windowIsSpent = this.#host.window > 0 && this.#windowLeft === 0;
    const onlyZeroIsLeft = this.#missing.count === 1 && this.#sawChunkZero;
    if (windowIsSpent || onlyZeroIsLeft) {
      this.#sawChunkZero = false;
      return this.#ask(now);
    }
    this.#setTimer("request", now + this.#retryDelay());
  }

  #startReadBack(): void {
    this.#phase = { name: "read-back" };
    this.#host.emit({ type: "hash-flash", length: this.release.image.size });
  }

  #readBack(actual: string): void {
    const expected = this.release.image.sha256;
    if (actual === expected) {
      this.#phase = { name: "verify" };
      return this.#host.emit({ type: "verify-image" });
    }
    const message = `the image read back from flash has SHA-256 ${actual}, the release says ${expected}`;
    this.#startOver(new OtaError("delivery/image-mismatch", message, { expected, actual }));
  }

  /** Looks for the chunks that went wrong, once; the second time the image is given up. */
  #startOver(error: OtaError): void {
    if (this.#startedOver) return this.#condemn(error);
    this.#startedOver = true;
    this.#missing.addAll();
    this.#phase = { name: "scan", index: 0 };
    this.#read(0);
  }

  /** verify → ended. What flash says of itself must be what the release said, whatever was checked before. */
  #verified(found: Extract<FlashResult, { operation: "verify-image" }>): void {
    const { image } = this.release;
    const waived = this.offer.waive ?? [];
    // Whoever has bytes behind the image released would not know it again once it runs.
    if (found.sha256 !== image.sha256) {
      const message = `the image that ends within the release's bytes has SHA-256 ${found.sha256}, the release says ${image.sha256}`;
      const details = { expected: image.sha256, actual: found.sha256 };
      return this.#condemn(new OtaError("delivery/image-mismatch", message, details));
    }
    if (found.chipId !== image.chip_id) {
      const message = `the image is for chip id ${found.chipId}, the release says ${image.chip_id}`;
      const details = { expected: image.chip_id, found: found.chipId };
      return this.#condemn(new OtaError("offer/wrong-chip", message, details));
    }
    if (found.secureVersion !== image.secure_version) {
      const message = `the image has secure version ${found.secureVersion}, the release says ${image.secure_version}`;
      const details = { required: image.secure_version, found: found.secureVersion };
      return this.#condemn(new OtaError("offer/secure-version", message, details));
    }
    if (found.projectName !== this.#host.projectName && !waived.includes("project-name")) {
      const message = `the image is project ${JSON.stringify(found.projectName)}; this device runs ${JSON.stringify(this.#host.projectName)}`;
      const details = { expected: this.#host.projectName, found: found.projectName };
      return this.#condemn(new OtaError("offer/wrong-project", message, details));
    }
    this.#phase = { name: "ended" };
    this.#host.ready();
  }

  #condemn(error: OtaError): void {
    this.#phase = { name: "condemn", error };
    this.#host.emit({ type: "erase-sector", offset: 0 });
  }

  #ask(now: number): void {
    if (!this.#host.isConnected()) return;
    const { topics, device, window } = this.#host;
    const payload = buildRequest({
      protocol: 1,
      image: this.image,
      missing: this.#missing.ranges(REQUEST_RANGES_MAX).map(([first, count]) => [first, count]),
      missing_count: this.#missing.count,
      window,
      unicast: this.#fruitless >= UNICAST_AFTER,
    });
    this.#host.emit({ type: "publish", topic: topics.request(device), payload, qos: 1, retain: false });
    this.#requests++;
    this.#windowLeft = window;
    this.#setTimer("request", now + this.#retryDelay());
    this.#fruitless++;
  }

  #askWithin(spreadMs: number, now: number): void {
    if (spreadMs === 0) return this.#ask(now);
    this.#setTimer("request", now + Math.floor(this.#host.random() * spreadMs));
  }

  #retryDelay(): number {
    const { retryMs, retryMaxMs } = this.#host.timing;
    const base = Math.min(retryMs * 2 ** Math.min(this.#fruitless, 16), retryMaxMs);
    return base + Math.floor(this.#host.random() * retryMs);
  }

  #read(index: number): void {
    const length = chunkSizeAt(index, this.release.image.size);
    this.#host.emit({ type: "read-flash", offset: index * CHUNK_SIZE, length });
  }

  #matches(index: number, bytes: Uint8Array): boolean {
    return bytes.length === chunkSizeAt(index, this.release.image.size) && this.#hashes?.matches(index, bytes) === true;
  }

  #setTimer(timer: ReceiverTimer, at: number): void {
    this.#host.emit({ type: "set-timer", timer, at });
  }
}

function unreadable(espErr: number): OtaError {
  const message = `the image can't be read back from flash (esp_err ${espErrText(espErr)})`;
  return new OtaError("delivery/image-rejected", message, { espErr });
}

function rejectedByDevice(espErr: number): OtaError {
  const message = `ESP-IDF's own check refuses the image in flash (esp_err ${espErrText(espErr)})`;
  return new OtaError("delivery/image-rejected", message, { espErr });
}

function espErrText(espErr: number): string {
  return espErr < 0 ? `${espErr}` : `0x${espErr.toString(16)}`;
}
