import { createHardware, type EfuseFields, listenOnTcp, SerialCable } from "@tinybms/firmware-sim";
import type { ChipName } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { Flasher } from "../src/index.ts";
import { openPort } from "../src/node/index.ts";
import { appImage, FLASHABLE } from "./benches.ts";
import { flashBoard } from "./flash-simulated-board.ts";
import { SimulatedLine } from "./simulated-line.ts";

function lineTo(chip: ChipName, efuse: EfuseFields, flashSizeBytes = 0x80_0000): SimulatedLine {
  const hardware = createHardware({ chip, app: appImage(chip, "1.0.0").bytes, efuse, flashSizeBytes });
  return new SimulatedLine({ hardware });
}

test.for(FLASHABLE)("an %s reports its revision, MAC, flash size, secure boot and flash encryption", async (chip) => {
  const plain = await Flasher.connect(lineTo(chip, { chipRevision: 102 }));
  expect(plain.board).toMatchObject({
    ...{ revision: 102, mac: "24:0a:c4:00:00:01", flashSize: 0x80_0000 },
    ...{ secureBoot: false, flashEncryption: false },
  });
  const secured = await Flasher.connect(lineTo(chip, { secureBoot: true }));
  expect(secured.board).toMatchObject({ secureBoot: true, flashEncryption: false });
  const encrypted = await Flasher.connect(lineTo(chip, { flashEncryptionKey: 7 }));
  expect(encrypted.board).toMatchObject({ secureBoot: false, flashEncryption: true });
});

test.for(FLASHABLE)("an %s reports the revision of its eFuse blocks if images are checked against it", async (chip) => {
  const { board } = await Flasher.connect(lineTo(chip, { blockRevision: 103, chipRevision: 2 }));
  expect(board.blockRevision).toBe(chip === "esp32" ? undefined : 103);
  expect(board.revision).toBe(2);
});

test("reads chip revision 0.0 of an ESP32-S3 with block revision 1.1, whatever its upper bits", async () => {
  const { board } = await Flasher.connect(lineTo("esp32s3", { blockRevision: 101, chipRevision: 308 }));
  expect(board).toMatchObject({ revision: 0, blockRevision: 101 });
});

test.for(FLASHABLE)("refuses an encrypted %s, although its flash can't be read", async (chip) => {
  const flashing = flashBoard(lineTo(chip, { flashEncryptionKey: 7 }), appImage(chip, "1.1.0"));
  await expect(flashing).rejects.toMatchObject({
    code: "serial/flash-encrypted",
    message: expect.stringContaining("is encrypted"),
    hint: expect.stringContaining("over the air"),
  });
});

test.for(FLASHABLE)("a %s with secure boot accepts no unsigned image", async (chip) => {
  const flashing = flashBoard(lineTo(chip, { secureBoot: true }), appImage(chip, "1.1.0"));
  await expect(flashing).rejects.toMatchObject({ code: "serial/secure-boot" });
});

test.for(FLASHABLE.filter((chip) => chip !== "esp32"))(
  "an %s in Secure Download Mode is told as such",
  async (chip) => {
    const connecting = Flasher.connect(lineTo(chip, { secureDownload: true }));
    await expect(connecting).rejects.toMatchObject({
      code: "serial/secure-download",
      hint: expect.stringContaining("over the air"),
    });
  },
);

test("leaves the app of a refused board running", async () => {
  const line = lineTo("esp32c3", { secureDownload: true });
  await Flasher.connect(line).catch(() => undefined);
  await line.read(1000);
  expect(line.board.state).toBe("app");
});

test("over the USB of the chip itself blocks are smaller, and the app starts all the same", async () => {
  const app = appImage("esp32s3", "1.1.0", 60_000);
  const hardware = createHardware({ chip: "esp32s3", app: appImage("esp32s3", "1.0.0", 60_000).bytes });
  let largest = 0;
  const line = new SimulatedLine({
    hardware,
    usb: { vendorId: 0x303a, productId: 0x0009 },
    spoil: (bytes, direction) => {
      if (direction === "to-board") largest = Math.max(largest, bytes.length);
      return bytes;
    },
  });
  expect((await flashBoard(line, app)).boot.version).toBe("1.1.0");
  expect(largest).toBeLessThan(2 * 0x800);
});

test("reports a network port in use by another host as busy", async () => {
  const hardware = createHardware({ chip: "esp32", app: appImage("esp32", "1.0.0").bytes });
  const port = await listenOnTcp(new SerialCable({ hardware }), { host: "127.0.0.1", port: 0 });
  const url = `socket://127.0.0.1:${port.port}`;
  const first = await openPort(url);
  await Flasher.connect(first);
  const second = await openPort(url);
  await expect(Flasher.connect(second)).rejects.toMatchObject({ code: "serial/port-busy" });
  await Promise.all([first.close(), second.close()]);
  await port.close();
});
