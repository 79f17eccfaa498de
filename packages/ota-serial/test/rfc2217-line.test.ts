// Our client of RFC 2217 against the simulated board's server.
import { type AddressInfo, createServer } from "node:net";
import { BootloaderFirmware, listenOnRfc2217, listenOnTcp, type NetworkPort, SerialCable } from "@tinybms/firmware-sim";
import { afterEach, expect, test, vi } from "vitest";
import { Flasher } from "../src/index.ts";
import { resetsInto } from "../src/loader/reset-sequence.ts";
import { openPort } from "../src/node/index.ts";
import { boardWith } from "./benches.ts";

const LOCAL = { host: "127.0.0.1", port: 0 };
let network: NetworkPort | undefined;
afterEach(() => network?.close());

/** A board on the network that counts how often it starts its app. */
async function boardOn(scheme: "rfc2217" | "socket") {
  const hardware = boardWith("esp32");
  const firmware = new BootloaderFirmware(hardware);
  const boot = vi.spyOn(firmware, "boot");
  const cable = new SerialCable({ hardware, firmware });
  network = await (scheme === "socket" ? listenOnTcp : listenOnRfc2217)(cable, LOCAL);
  await vi.waitFor(() => expect(cable.board.state).toBe("app"));
  return { cable, boot, url: `${scheme}://127.0.0.1:${network.port}` };
}

test("opening a port to listen, and closing it, restarts no board", async () => {
  const { boot, cable, url } = await boardOn("rfc2217");
  const line = await openPort(url);
  // An answered request: the control lines before it have been set.
  await line.setBaudRate(115_200);
  expect(cable.board.state).toBe("app");
  await line.close();
  expect(boot).toHaveBeenCalledTimes(1);
});

test("tries no sequence over RFC 2217 that needs both lines at once", async () => {
  const { url } = await boardOn("rfc2217");
  const line = await openPort(url);
  const sequences = resetsInto(line);
  expect(sequences).not.toHaveLength(0);
  for (const step of sequences.flat()) expect("dtr" in step && "rts" in step).toBe(false);
  expect((await Flasher.connect(line)).board.chipName).toBe("ESP32");
  await line.close();
});

test.for(["socket", "rfc2217"] as const)(
  "a port over %s that is closed and opened again at once is not busy",
  async (scheme) => {
    const { url } = await boardOn(scheme);
    for (let count = 0; count < 20; count++) {
      const line = await openPort(url);
      // Not waited for: the next connection comes before the server knows of the end of this one.
      const closing = line.close();
      const next = await openPort(url);
      await closing;
      await next.setBaudRate(115_200);
      await next.write(Uint8Array.of(0));
      expect(await next.read(0)).toBeDefined();
      await next.close();
    }
  },
);

test("refuses Telnet options that a serial port does not have, and a server without ports", async () => {
  const [IAC, WILL, WONT, DO, DONT, ECHO, COM_PORT] = [255, 251, 252, 253, 254, 1, 44];
  const received: Buffer[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (bytes: Buffer) => {
      if (received.push(bytes) === 1) socket.write(Uint8Array.of(IAC, WILL, ECHO, IAC, DO, ECHO, IAC, DONT, COM_PORT));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await expect(openPort(`rfc2217://127.0.0.1:${port}`)).rejects.toMatchObject({
      code: "serial/port-unusable",
      message: expect.stringContaining("the server does not support RFC 2217"),
    });
    await vi.waitFor(() =>
      expect(Buffer.concat(received).includes(Buffer.of(IAC, DONT, ECHO, IAC, WONT, ECHO))).toBe(true),
    );
  } finally {
    server.close();
  }
});
