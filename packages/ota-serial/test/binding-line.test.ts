import { createHardware, runBootloader } from "@tinybms/firmware-sim";
import { expect, test } from "vitest";
import { isBoard, listPorts, onlyBoardPort, openBindingLine, type PortInfo } from "../src/node.ts";
import { appImage } from "./benches.ts";
import { CableBinding } from "./cable-binding.ts";
import { flashBoard } from "./flash-board.ts";

const OLD = appImage("esp32s3", "1.0.0", 60_000);
const NEW = appImage("esp32s3", "1.1.0", 120_000);

test("over a binding a board is reset, flashed at a higher rate, and seen to start", async () => {
  const hardware = createHardware({ chip: "esp32s3", app: OLD.bytes });
  const binding = new CableBinding({ hardware });
  const line = await openBindingLine(binding, "/dev/ttyACM0", 115_200);
  const { boot, flasher } = await flashBoard(line, NEW, { baudRate: 2_000_000 });
  expect(boot.version).toBe("1.1.0");
  expect(flasher.baudRate).toBe(2_000_000);
  await line.close();
  expect(binding.cable.isFree).toBe(true);
  expect(runBootloader(hardware)).toMatchObject({ kind: "boots" });
});

test("a cable that is pulled in the middle: the port was lost, at once", async () => {
  const binding = new CableBinding({ hardware: createHardware({ chip: "esp32s3", app: OLD.bytes }) });
  const line = await openBindingLine(binding, "/dev/ttyACM0", 115_200);
  const flashing = flashBoard(line, NEW, {
    onNote: () => undefined,
  });
  binding.cable.unplug();
  await expect(flashing).rejects.toMatchObject({ code: "serial/port-lost" });
  await line.close();
});

test.for([
  ["Error: No such file or directory, cannot open /dev/ttyUSB0", "serial/port-not-found", "flash --list"],
  ["Error: Permission denied, cannot open /dev/ttyUSB0", "serial/permission-denied", "dialout"],
  ["Error Resource temporarily unavailable Cannot lock port", "serial/port-busy", "close the monitor"],
  ["Opening COM3: Access denied", "serial/port-busy", "close the monitor"],
  ["Opening COM3: File not found", "serial/port-not-found", "charge-only cable"],
  ["Error: Input/output error, cannot open /dev/ttyUSB0", "serial/port-unusable", ""],
] as const)("where the system says %j, the user reads %s and what to do", async ([text, code, hint]) => {
  const open = async (): Promise<never> => {
    throw new Error(text);
  };
  const opening = openBindingLine({ open }, "/dev/ttyUSB0", 115_200);
  await expect(opening).rejects.toMatchObject({ code, details: { port: "/dev/ttyUSB0" } });
  if (hint !== "") await expect(opening).rejects.toMatchObject({ hint: expect.stringContaining(hint) });
});

const port = (path: string, kind: PortInfo["kind"]): PortInfo => ({
  ...{ path, kind, vendorId: undefined, productId: undefined, manufacturer: undefined, serialNumber: undefined },
});

test("without --port the only one that looks like a board is taken", async () => {
  expect(await onlyBoardPort(async () => [port("/dev/ttyS0", "other"), port("/dev/ttyUSB0", "cp210x")])).toBe(
    "/dev/ttyUSB0",
  );
});

test.for([
  [[], "there is no serial port", "driver"],
  [[port("/dev/ttyS0", "other")], "of the ports /dev/ttyS0 none does", "plugged in"],
  [[port("COM3", "ch34x"), port("COM4", "usb-jtag")], "2 ports look like a board: COM3, COM4", "--all-ports"],
] as const)("with the ports %j it is said that %s", async ([ports, message, hint]) => {
  const asking = onlyBoardPort(async () => ports);
  await expect(asking).rejects.toMatchObject({ code: "serial/no-port", hint: expect.stringContaining(hint) });
  await expect(asking).rejects.toThrow(message);
});

test("ports are listed with what they look like, boards first", async () => {
  const list = async () => [
    { path: "/dev/ttyS0" },
    { path: "/dev/ttyUSB0", vendorId: "10c4", productId: "ea60", manufacturer: "Silicon Labs", serialNumber: "0001" },
    { path: "/dev/ttyACM0", vendorId: "303a", productId: "1001" },
    { path: "/dev/ttyACM1", vendorId: "2341", productId: "0043" },
  ];
  const ports = await listPorts({
    ...new CableBinding({ hardware: createHardware({ chip: "esp32" }) }),
    list,
  } as never);
  expect(ports.map(({ path, kind }) => [path, kind])).toEqual([
    ["/dev/ttyUSB0", "cp210x"],
    ["/dev/ttyACM0", "usb-jtag"],
    ["/dev/ttyS0", "other"],
    ["/dev/ttyACM1", "other"],
  ]);
  expect(ports.filter(isBoard)).toHaveLength(2);
});

test("a system without udevadm is told what lists its ports, and that --port does without", async () => {
  const list = async (): Promise<never> => {
    throw new Error("spawn udevadm ENOENT");
  };
  await expect(listPorts({ list, open: () => Promise.reject(new Error("unused")) })).rejects.toMatchObject({
    code: "serial/ports-unlisted",
    hint: expect.stringContaining("--port"),
  });
});
