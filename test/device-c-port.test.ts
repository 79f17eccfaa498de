import { parseReceiverRecord, type ReceiverRecord } from "@tinybms/ota-core";
import { buildAppImage, OtaImageState } from "@tinybms/ota-core/esp";
import { beforeAll, describe, expect, test } from "vitest";
import { StoredText } from "../firmware-sim/src/agent/stored-text.ts";
import type { Hardware } from "../firmware-sim/src/boot/boot-options.ts";
import { runBootloader } from "../firmware-sim/src/boot/bootloader.ts";
import { NorFlash } from "../firmware-sim/src/flash/nor-flash.ts";
import { nvs_flash_init, nvs_get_str, nvs_open, nvs_set_str } from "../firmware-sim/src/nvs/nvs.ts";
import { board, entry, otadataOf } from "../firmware-sim/test/board-spec.ts";
import { buildChunk } from "../packages/ota-core/src/messages/chunk.ts";
import { buildHashList } from "../packages/ota-core/src/messages/hash-list.ts";
import { parseRequest } from "../packages/ota-core/src/messages/request.ts";
import { parseStateReport } from "../packages/ota-core/src/messages/state-report.ts";
import { buildReceiverRecord } from "../packages/ota-core/src/receiver/receiver-record.ts";
import { chunksOf } from "../packages/ota-core/test/bench-device.ts";
import { imageIdOfBytes, PRODUCT, releaseOf, TOPIC_ROOT } from "../packages/ota-core/test/bench-offer.ts";
import { keySetOf, STRANGER, signedOffer } from "../packages/ota-core/test/bench-trust.ts";
import { buildPort, canBuildPort, hex, type PortBuild, PortProcess } from "./device-c-port.ts";

const FLASH_SIZE = 1024 * 1024;
const OLD = buildAppImage({ chip: "esp32c3", version: "1.0.0", projectName: "gateway", sizeBytes: 30_000 });
const NEW = buildAppImage({ chip: "esp32c3", version: "1.1.0", projectName: "gateway", sizeBytes: 45_000, seed: 7 });
const CHUNKS = chunksOf(NEW);
const IMAGE = imageIdOfBytes(NEW);
const OFFER = signedOffer(releaseOf(NEW, { hardware: "esp32c3" }));
const DEVICE_TOPIC = `${TOPIC_ROOT}/v1/device/bench-1`;

const PROVISIONING: readonly string[] = [
  "nvs u tinybms provisioning 1",
  `nvs s tinybms device_id ${hex("bench-1")}`,
  `nvs s tinybms broker ${hex("mqtts://broker.example:8883")}`,
  `nvs s tinybms topic ${hex(TOPIC_ROOT)}`,
  `nvs s tinybms product ${hex(PRODUCT)}`,
  `nvs s tinybms ca_cert ${hex("PEM")}`,
  `nvs b tinybms key_set ${hex(keySetOf(1))}`,
];

/** A device whose ESP-IDF port runs on the host, from start to start, with the simulator's bootloader. */
class PortDevice {
  hardware: Hardware = board({
    chip: "esp32c3",
    otadata: [entry(1, OtaImageState.VALID), undefined],
    empty: [1],
    sign: () => OLD,
  });
  nvs: readonly string[] = PROVISIONING;
  readonly log: string[] = [];
  #isResetClean = true;
  #process: PortProcess | undefined;
  readonly #build: PortBuild;

  constructor(build: PortBuild = "port_host") {
    this.#build = build;
  }

  /** Starts the device: bootloader, then the port. */
  async start(...settings: readonly string[]): Promise<void> {
    const outcome = runBootloader(this.hardware, {});
    if (outcome.kind !== "boots") throw new Error(outcome.log.join("\n"));
    this.#process = new PortProcess(this.hardware.flash.read(0, FLASH_SIZE), `ota_${outcome.slot}`, this.#build);
    for (const command of [...this.nvs, ...settings, ...(this.#isResetClean ? ["clean"] : []), "start"]) {
      await this.send(command);
    }
  }

  /** Sends a command, and answers as broker and publisher do. @returns What the device did. */
  async send(command: string): Promise<readonly string[]> {
    if (this.#process === undefined) throw new Error("the device is off");
    const lines = await this.#process.send(command);
    this.log.push(...lines);
    if (this.#process.hasRestarted) this.#keep(lines, true);
    return lines;
  }

  /** Connects, and delivers until nothing happens for a minute, or the device restarts. */
  async deliver({ offer = OFFER, chunksMax = Number.POSITIVE_INFINITY } = {}): Promise<void> {
    let sent = 0;
    const pending = ["connect", "settle"];
    for (let quiet = 0; quiet < 30 && this.#process !== undefined; ) {
      const lines = await this.send(pending.shift() ?? "pass 2000");
      const answers = lines.flatMap((line) => answersTo(line, offer));
      quiet = answers.length === 0 && pending.length === 0 ? quiet + 1 : 0;
      pending.push(...answers.filter((answer) => !answer.includes("/chunk ") || sent++ < chunksMax));
      if (answers.length > 0) pending.push("settle");
      if (sent > chunksMax && pending.length === 0) return;
    }
  }

  /** Cuts the power. */
  async cut(): Promise<void> {
    const lines = await this.send("dump");
    this.#keep(lines, false);
  }

  get isOn(): boolean {
    return this.#process !== undefined;
  }

  /** State of the last report. */
  get reported(): string | undefined {
    return this.reports.at(-1)?.state;
  }

  get reports(): ReturnType<typeof parseStateReport>[] {
    return this.log.flatMap((line) => {
      const [kind, topic = "", , , payload = ""] = line.split(" ");
      if (kind !== "publish" || topic !== `${DEVICE_TOPIC}/state`) return [];
      return [parseStateReport(Buffer.from(payload, "hex"))];
    });
  }

  #keep(lines: readonly string[], isResetClean: boolean): void {
    this.nvs = lines.filter((line) => line.startsWith("nvs "));
    const flash = new NorFlash(FLASH_SIZE);
    flash.load(0, this.#process!.flash);
    this.hardware = { ...this.hardware, flash };
    this.#isResetClean = isResetClean;
    this.#process?.[Symbol.dispose]();
    this.#process = undefined;
  }

  [Symbol.dispose](): void {
    this.#process?.[Symbol.dispose]();
  }
}

/** What broker and publisher send when the device subscribes or requests. */
function answersTo(line: string, offer: Uint8Array): readonly string[] {
  const [kind, topic = "", , , payload = ""] = line.split(" ");
  if (kind === "subscribe" && topic === `${TOPIC_ROOT}/v1/offer`) return [`message ${topic} 1 ${hex(offer)}`];
  if (kind === "subscribe" && topic.endsWith("/hashes")) return [`message ${topic} 1 ${hex(buildHashList(NEW))}`];
  if (kind !== "publish" || topic !== `${DEVICE_TOPIC}/request`) return [];
  const { missing } = parseRequest(Buffer.from(payload, "hex"));
  return missing.flatMap(([first, count]) =>
    CHUNKS.slice(first, first + count).map((bytes, position) => {
      const chunk = buildChunk({ image: IMAGE, index: first + position, bytes });
      return `message ${TOPIC_ROOT}/v1/image/${IMAGE}/chunk 0 ${hex(chunk)}`;
    }),
  );
}

/** The record in NVS, read by the simulator's code over the simulator's NVS. */
function recordIn(nvs: readonly string[]): StoredText<ReceiverRecord> {
  const flash = new NorFlash(FLASH_SIZE);
  const { nvs: opened } = nvs_flash_init({
    sizeBytes: 0x6000,
    read: (offset, length) => flash.read(offset, length),
    program: (offset, bytes) => void flash.program(offset, bytes),
    eraseSector: (offset) => void flash.eraseSector(offset),
  });
  const handle = nvs_open(opened!, "tinybms_ota", "readwrite").handle!;
  for (const line of nvs) {
    const [, type, space, key = "", value = ""] = line.split(" ");
    if (type === "s" && space === "tinybms_ota") nvs_set_str(handle, key, Buffer.from(value, "hex").toString());
  }
  const text = new StoredText(handle, "record", parseReceiverRecord);
  return Object.assign(text, { strings: () => [0, 1].map((turn) => nvs_get_str(handle, `record_${turn}`).value) });
}

describe.skipIf(!canBuildPort)("a device with the ESP-IDF port", () => {
  beforeAll(() => buildPort("port_host", "port_host_v5"));

  test("takes a signed update from boot to confirmation, with nothing dropped", async () => {
    using device = new PortDevice();
    await device.start();
    await device.deliver();
    expect(device.isOn).toBe(false);
    expect(otadataOf(device.hardware)).toEqual(["1:valid", "2:new"]);
    expect(recordIn(device.nvs).value?.attempt).toMatchObject({ attempts: 1 });
    expect(device.reports.map(({ state }) => state)).toContain("ready-to-reboot");
    // One request for all chunks, and one for the first chunk, which is written last.
    expect(device.log.filter((line) => line.startsWith(`publish ${DEVICE_TOPIC}/request`))).toHaveLength(2);

    await device.start();
    await device.deliver();
    expect(device.reported).toBe("confirmed");
    const [status] = await device.send("status");
    expect(status).toBe("status confirmed 0/0 requests=0 busy=0 ");
    await device.cut();
    expect(otadataOf(device.hardware)).toEqual(["1:valid", "2:valid"]);
    expect(recordIn(device.nvs).value?.outcome).toMatchObject({ outcome: "confirmed" });
  });

  test("sets a will that says offline, with the certificates of the client's configuration", async () => {
    using device = new PortDevice();
    await device.start();
    const [will = ""] = (await device.send("connect")).filter((line) => line.startsWith("will "));
    const [, topic, certificate, payload = ""] = will.split(" ");
    expect([topic, certificate]).toEqual([`${DEVICE_TOPIC}/state`, "PEM"]);
    expect(parseStateReport(Buffer.from(payload, "hex")).online).toBe(false);
  });

  test("requests only what is missing after a power cut", async () => {
    using device = new PortDevice();
    await device.start();
    await device.deliver({ chunksMax: 8 });
    await device.cut();
    device.log.length = 0;
    await device.start();
    await device.deliver();
    expect(device.isOn).toBe(false);
    const [request = ""] = device.log.filter((line) => line.startsWith(`publish ${DEVICE_TOPIC}/request`));
    const { missing_count } = parseRequest(Buffer.from(request.split(" ")[4] ?? "", "hex"));
    expect(missing_count).toBeLessThan(CHUNKS.length - 4);
  });

  test("takes what arrives while it still subscribes and reports", async () => {
    using device = new PortDevice();
    await device.start();
    await device.send("connect");
    for (let count = 0; count < 3; count++) await device.send(`message ${TOPIC_ROOT}/v1/offer 1 ${hex(OFFER)}`);
    await device.send("settle");
    expect(device.log).toContain(`subscribe ${TOPIC_ROOT}/v1/offer 1`);
    expect(device.reported).toBe("checking");
  });

  test.each([
    ["port_host", 1],
    ["port_host_v5", 0],
  ] as const)("%s subscribes at the configured QoS %i", async (build, qos) => {
    using device = new PortDevice(build);
    await device.start();
    await device.send("connect");
    await device.send("settle");
    const subscriptions = device.log.filter((line) => line.startsWith("subscribe "));
    expect(subscriptions).toContain(`subscribe ${TOPIC_ROOT}/v1/offer ${qos}`);
    expect(subscriptions.filter((line) => !line.endsWith(` ${qos}`))).toEqual([]);
  });

  test("subscribes again once, a while after the broker refused subscriptions", async () => {
    using device = new PortDevice();
    await device.start();
    await device.send("connect");
    await device.send("settle");
    const subscriptions = () =>
      device.log.filter((line) => line.startsWith(`subscribe ${TOPIC_ROOT}/v1/offer `)).length;
    await device.send("refuse");
    await device.send("refuse");
    await device.send("settle");
    expect(subscriptions()).toBe(1);
    await device.send("pass 40000");
    await device.send("settle");
    expect(subscriptions()).toBe(2);
    await device.send("pass 120000");
    expect(subscriptions()).toBe(2);
  });

  test("deselects the slot of the update before it is overwritten", async () => {
    using device = new PortDevice();
    device.hardware = board({
      chip: "esp32c3",
      otadata: [entry(1, OtaImageState.ABORTED), entry(2, OtaImageState.VALID)],
      corrupt: [1],
      images: new Map([[0, { chip: "esp32c3", version: "1.0.0", projectName: "gateway" }]]),
    });
    await device.start();
    await device.deliver({ chunksMax: 3 });
    await device.cut();
    expect(otadataOf(device.hardware)[0]).toBe("3:valid");
  });

  test("returns to the former image where the self-test fails", async () => {
    using device = new PortDevice();
    await device.start();
    await device.deliver();
    await device.start("break");
    await device.deliver();
    expect(device.isOn).toBe(false);
    expect(otadataOf(device.hardware)).toEqual(["1:valid", "2:invalid"]);
    await device.start();
    await device.deliver();
    expect(device.reported).toBe("rolled-back");
    await device.cut();
    expect(recordIn(device.nvs).value?.outcome).toMatchObject({ outcome: "rolled-back" });
  });

  test("waits with the restart while the application forbids it", async () => {
    using device = new PortDevice();
    await device.start("hold");
    await device.deliver();
    expect(device.isOn).toBe(true);
    await device.send("release");
    await device.send("pass 5000");
    expect(device.isOn).toBe(false);
  });

  test("does not switch where its record could not be stored", async () => {
    using device = new PortDevice();
    await device.start("full");
    await device.deliver();
    expect(device.isOn).toBe(true);
    await device.cut();
    expect(otadataOf(device.hardware)).toEqual(["1:valid", "blank"]);
  });

  test("refuses an offer of a stranger", async () => {
    using device = new PortDevice();
    await device.start();
    const offer = signedOffer(releaseOf(NEW, { hardware: "esp32c3" }), {}, { offer: [STRANGER] });
    await device.deliver({ offer });
    expect(device.isOn).toBe(true);
    expect(device.log.filter((line) => line.startsWith(`publish ${DEVICE_TOPIC}/request`))).toEqual([]);
  });

  test("goes on from a record that the simulator wrote", async () => {
    using device = new PortDevice();
    const record = buildReceiverRecord({ accepted: [1, 9], payloadSha256: "00".repeat(32) });
    device.nvs = [...device.nvs, `nvs s tinybms_ota record_1 ${hex(`1/1 ${record}`)}`];
    await device.start();
    await device.deliver();
    expect(device.isOn).toBe(true);
    expect(device.log.filter((line) => line.startsWith(`publish ${DEVICE_TOPIC}/request`))).toEqual([]);
    expect(device.reports.at(-1)?.accepted).toEqual([1, 9]);
  });
});
