// tinybms-sim run --serial: a device whose serial port is on the network, beside its broker.
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { concatBytes, parseStateReport, topicsOf } from "@tinybms/ota-core";
import {
  buildAppImage,
  buildNvsPartition,
  buildPartitionTable,
  parsePartitionCsv,
  provisioningEntries,
  TWO_OTA_LARGE_PARTITION_CSV,
} from "@tinybms/ota-core/esp";
import {
  buildLoaderBlock,
  buildLoaderRequest,
  encodeSlip,
  LoaderOp,
  loaderWords,
  parseLoaderResponse,
  SlipDecoder,
  SYNC_DATA,
} from "@tinybms/ota-core/serial";
import { connectAsync } from "mqtt";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runSimCli } from "../src/cli.ts";
import { publishImage } from "../src/simulation/publish-image.ts";
import { type EmbeddedBroker, startEmbeddedBroker } from "../src/testkit/index.ts";
import { publishOver } from "./mqtt-publisher.ts";

const TOPIC = "tinybms/gateway/ota";
const PRODUCT = "TinyBMS Web Gateway";

let folder: string;
let broker: EmbeddedBroker;
const ends: (() => unknown)[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tinybms-run-serial-"));
  broker = await startEmbeddedBroker({});
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  await broker.close();
  await rm(folder, { recursive: true, force: true });
});

interface Running {
  /** Of the serial port. */
  readonly port: number;
  end(): Promise<{ readonly code: number; readonly devices: readonly Record<string, unknown>[] }>;
}

async function startSim(...args: readonly string[]): Promise<Running> {
  return startSimAt("tcp:127.0.0.1:0", ...args);
}

async function startSimAt(place: string, ...args: readonly string[]): Promise<Running> {
  const [stdout, stderr, interrupt] = [new PassThrough(), new PassThrough(), new AbortController()];
  const out = text(stdout);
  const line = ["run", "--serial", place, "--json", ...args];
  const ended = runSimCli(line, { stdout, stderr, env: {}, signal: interrupt.signal });
  ends.push(() => interrupt.abort());
  let said = "";
  const port = await new Promise<number>((resolve, reject) => {
    stderr.setEncoding("utf8").on("data", (chunk: string) => {
      said += chunk;
      const found = /(?:socket|rfc2217):\/\/127\.0\.0\.1:(\d+)/.exec(said)?.[1];
      if (found !== undefined) resolve(Number(found));
    });
    void ended.then((code) => reject(new Error(`ended with ${code}: ${said}`)));
  });
  const end = async () => {
    interrupt.abort();
    const code = await ended;
    stdout.end();
    return { code, devices: JSON.parse(await out).devices };
  };
  return { port, end };
}

/** A host at the port: frames it gets, and everything that is no frame. */
class Line {
  readonly socket: Socket;
  readonly #decoder = new SlipDecoder();
  console = "";
  frames: Uint8Array[] = [];

  constructor(port: number) {
    this.socket = connect(port, "127.0.0.1");
    ends.push(() => this.socket.destroy());
    this.socket.on("data", (bytes) => {
      for (const part of this.#decoder.push(bytes)) {
        if (part.type === "frame") this.frames.push(part.bytes);
        else this.console += new TextDecoder().decode(part.bytes);
      }
    });
  }

  /** Waits until something is so. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await once(this.socket, "data");
  }

  /** Sends a request, and waits for its response. */
  async request(frame: Uint8Array): Promise<Uint8Array> {
    this.frames = [];
    this.socket.write(encodeSlip(frame));
    await this.until(() => this.frames.length > 0);
    return this.frames[0] ?? new Uint8Array(0);
  }

  async command(op: number, ...words: readonly number[]): Promise<void> {
    const response = await this.request(buildLoaderRequest(op, loaderWords(...words)));
    expect([...response.subarray(8)], `op ${op}`).toEqual([0, 0, 0, 0]);
  }

  async enterLoader(): Promise<void> {
    await this.request(buildLoaderRequest(LoaderOp.SYNC, SYNC_DATA));
    await this.until(() => this.frames.length === 8);
    await this.command(LoaderOp.SPI_ATTACH, 0, 0);
    await this.command(LoaderOp.SPI_SET_PARAMS, 0, 4 * 2 ** 20, 0x10000, 0x1000, 0x100, 0xffff);
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    const blocks = Math.ceil(bytes.length / 0x400);
    await this.command(LoaderOp.FLASH_BEGIN, bytes.length, blocks, 0x400, offset);
    for (let sequence = 0; sequence < blocks; sequence++) {
      const block = new Uint8Array(0x400).fill(0xff);
      block.set(bytes.subarray(0x400 * sequence, 0x400 * (sequence + 1)));
      await this.request(buildLoaderBlock(LoaderOp.FLASH_DATA, sequence, block));
    }
  }
}

/** Waits for the state report of a device that satisfies a condition. */
async function reported(device: string, isWanted: (version: string, state: string) => boolean): Promise<void> {
  const client = await connectAsync(broker.url);
  ends.push(() => client.endAsync());
  await new Promise<void>((resolve) => {
    client.on("message", (_, payload) => {
      const report = parseStateReport(new Uint8Array(payload));
      if (isWanted(report.version, report.state)) resolve();
    });
    void client.subscribeAsync(topicsOf(TOPIC).state(device), { qos: 1 });
  });
}

test("starts what was flashed over its serial port, and its agent finds the broker", async () => {
  const blank = join(folder, "blank.bin");
  await writeFile(blank, new Uint8Array(4 * 2 ** 20).fill(0xff));
  const sim = await startSim("--broker", broker.url, "--flash", blank, "--chip", "esp32");
  const line = new Line(sim.port);
  await line.enterLoader();
  await line.write(0x1000, buildAppImage({ chip: "esp32", seed: 9 }));
  await line.write(0x8000, buildPartitionTable(parsePartitionCsv(TWO_OTA_LARGE_PARTITION_CSV)));
  await line.write(0x2_0000, buildAppImage({ chip: "esp32", version: "3.1.4", sizeBytes: 0x4000 }));
  line.socket.end();
  await reported("bench-1", (version) => version === "3.1.4");
  const { code, devices } = await sim.end();
  expect(code).toBe(130);
  expect(devices).toMatchObject([{ device: "bench-1", version: "3.1.4", slot: "ota_0" }]);
});

test("takes its new identity and broker from NVS after provisioning over the serial port", async () => {
  const sim = await startSim();
  const line = new Line(sim.port);
  await line.enterLoader();
  const provisioning = {
    provisioning: 1 as const,
    device_id: "bms-42",
    product: PRODUCT,
    broker: broker.url,
    topic: TOPIC,
    allow_unsigned: true,
  };
  await line.write(0x9000, buildNvsPartition(provisioningEntries(provisioning), { sizeBytes: 0x6000 }));
  line.socket.end();
  await reported("bms-42", (version) => version === "1.0.0");
  expect((await sim.end()).devices).toMatchObject([{ device: "bms-42" }]);
});

test("restarts the device on the serial line after an update over the broker", async () => {
  const sim = await startSim("--broker", broker.url);
  const line = new Line(sim.port);
  const image = buildAppImage({ version: "2.0.0", projectName: "tinybms-gateway", sizeBytes: 65536, seed: 2 });
  ends.push(await publishOver(broker.url, TOPIC, publishImage({ image, topicRoot: TOPIC, product: PRODUCT })));
  await line.until(() => /app_init: App version: {6}2\.0\.0\r\n/.test(line.console));
  expect(line.console).toMatch(/boot:0x13 \(SPI_FAST_FLASH_BOOT\)\r\nI \(\d+\) boot: chip revision/);
  await reported("bench-1", (version, state) => version === "2.0.0" && state === "confirmed");
  expect((await sim.end()).devices).toMatchObject([{ version: "2.0.0", state: "confirmed" }]);
});

test("restores power after a cut during a host's write, and starts with what was written", async () => {
  const sim = await startSim("--broker", broker.url, "--fault", "bench-1:power-cut@operation=40,moment=after,offMs=1");
  await reported("bench-1", (version) => version === "1.0.0");
  const line = new Line(sim.port);
  await line.enterLoader();
  line.socket.write(encodeSlip(buildLoaderRequest(LoaderOp.FLASH_BEGIN, loaderWords(0x8_0000, 512, 0x400, 0x1d_0000))));
  await line.until(() => line.console.includes("Calling app_main()"));
  expect((await sim.end()).devices).toMatchObject([{ version: "1.0.0", bootCount: 2 }]);
});

test("ends the connection when a fault unplugs the cable, and reopens it soon", async () => {
  const sim = await startSim("--fault", "bench-1:line-unplug=to-board,atByte=60");
  const line = new Line(sim.port);
  const sync = encodeSlip(buildLoaderRequest(LoaderOp.SYNC, SYNC_DATA));
  line.socket.write(concatBytes([sync, sync]));
  await once(line.socket, "close");
  for (;;) {
    const again = new Line(sim.port);
    again.socket.write(sync);
    const answer = await Promise.race([once(again.socket, "data"), once(again.socket, "close").then(() => undefined)]);
    if (answer !== undefined) break;
  }
  await sim.end();
});

test("gives different IDs different MAC addresses, and one ID always the same", async () => {
  const macs: number[] = [];
  for (const id of ["left", "right", "left"]) {
    const sim = await startSim("--id", id);
    const line = new Line(sim.port);
    await line.enterLoader();
    const answer = await line.request(buildLoaderRequest(LoaderOp.READ_REG, loaderWords(0x3ff5_a004)));
    macs.push(parseLoaderResponse(answer)?.value ?? 0);
    line.socket.end();
    await sim.end();
  }
  expect(macs[0]).toBe(macs[2]);
  expect(macs[0]).not.toBe(macs[1]);
  // Bytes 2 to 5; the first of them is Espressif's.
  expect(macs.map((mac) => mac >>> 24)).toEqual([0xc4, 0xc4, 0xc4]);
});

test("--reset-circuit usb-serial-jtag: DTR selects the loader, RTS resets into it", async () => {
  const circuit = ["--chip", "esp32c3", "--reset-circuit", "usb-serial-jtag"];
  const sim = await startSimAt("rfc2217:127.0.0.1:0", ...circuit);
  const line = new Line(sim.port);
  const control = (value: number) => line.socket.write(Uint8Array.of(0xff, 0xfa, 44, 5, value, 0xff, 0xf0));
  // RTS off, DTR on, RTS on, DTR off.
  for (const value of [12, 8, 11, 9]) control(value);
  await line.until(() => line.console.includes("waiting for download"));
  await sim.end();
});

test.for([
  [["--serial", "telnet:127.0.0.1:0"], "it must be tcp:HOST:PORT or rfc2217:HOST:PORT"],
  [["--serial", "tcp:127.0.0.1:70000"], "it must be tcp:HOST:PORT"],
  [["--serial", "tcp:127.0.0.1:0", "--devices", "2"], "serves the port of one device"],
  [
    ["--serial", "tcp:127.0.0.1:0", "--chip", "esp32p4"],
    "requires the ROM of the chip, and that of esp32p4 is not simulated",
  ],
  [["--reset-circuit", "none"], "requires --serial"],
  [
    ["--serial", "tcp:127.0.0.1:0", "--reset-circuit", "usb-serial-jtag"],
    "usb-serial-jtag requires one of esp32s3, esp32c3, esp32c6, esp32h2; the chip is esp32",
  ],
] as const)("rejects %j: %s", async ([args, why]) => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const out = text(stdout);
  const code = await runSimCli(["run", "--json", ...args], {
    stdout,
    stderr,
    env: {},
    signal: new AbortController().signal,
  });
  stdout.end();
  expect(code).toBe(2);
  const { error } = JSON.parse(await out);
  expect(error).toMatchObject({
    code: "arguments/invalid",
    details: { option: expect.stringMatching(/^--(serial|reset-circuit)$/) },
  });
  expect(error.message).toContain(why);
});

test("names a port that is in use", async () => {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  ends.push(() => server.close());
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  await expect(startSim("--serial", `tcp:127.0.0.1:${port}`)).rejects.toThrow(
    /--serial: can't listen .* \(EADDRINUSE\)/,
  );
});
