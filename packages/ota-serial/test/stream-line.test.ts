import { SerialPortStream } from "@serialport/stream";
import { createHardware, type Hardware, runBootloader, SerialCable } from "@tinybms/firmware-sim";
import { SimulatedBinding } from "@tinybms/firmware-sim/testkit";
import { expect, test, vi } from "vitest";
import { Flasher } from "../src/index.ts";
import {
  isBoard,
  listPorts,
  onlyBoardPort,
  openBindingLine,
  openPort,
  openStreamLine,
  type PortInfo,
} from "../src/node/index.ts";
import { appImage } from "./benches.ts";
import { flashBoard } from "./flash-simulated-board.ts";

const OLD = appImage("esp32s3", "1.0.0", 60_000);
const NEW = appImage("esp32s3", "1.1.0", 120_000);
const PATH = "/dev/ttyUSB0";

const boardWithOld = (): Hardware => createHardware({ chip: "esp32s3", app: OLD.bytes });

test("resets a board over a binding, flashes it at a higher rate, and sees it start", async () => {
  const hardware = boardWithOld();
  const cable = new SerialCable({ hardware });
  const line = await openPort(PATH, 115_200, new SimulatedBinding(cable));
  expect(line.usb).toEqual({ vendorId: 0x10c4, productId: 0xea60 });
  const { boot, flasher } = await flashBoard(line, NEW, { baudRate: 2_000_000 });
  expect(boot.version).toBe("1.1.0");
  expect(flasher.baudRate).toBe(2_000_000);
  await line.close();
  expect(cable.isFree).toBe(true);
  expect(runBootloader(hardware)).toMatchObject({ kind: "boots" });
});

test("takes over a program's own SerialPortStream at another rate, and flashes", async () => {
  const cable = new SerialCable({ hardware: boardWithOld() });
  const port = new SerialPortStream({ binding: new SimulatedBinding(cable), path: PATH, baudRate: 9600 });
  const line = await openStreamLine(port);
  expect(port.baudRate).toBe(115_200);
  expect((await flashBoard(line, NEW)).boot.version).toBe("1.1.0");
  await line.close();
  expect(port.isOpen).toBe(false);
  await expect(line.write(Uint8Array.of(1))).rejects.toMatchObject({ code: "serial/port-lost" });
});

test("the USB port of the chip itself is found by its ids and reset by its own sequence", async () => {
  const hardware = createHardware({ chip: "esp32c3", app: appImage("esp32c3", "1.0.0").bytes });
  const cable = new SerialCable({ hardware, resetCircuit: "usb-serial-jtag" });
  const line = await openBindingLine(new SimulatedBinding(cable, "/dev/ttyACM0"), "/dev/ttyACM0");
  const flasher = await Flasher.connect(line);
  expect(flasher.board.chipName).toBe("ESP32-C3");
  await flasher.startApp();
  expect(cable.board.state).toBe("app");
  await line.close();
});

test("opening a port and closing it restarts no board", async () => {
  const boot = vi.fn();
  const cable = new SerialCable({ hardware: boardWithOld(), firmware: { boot, halt: () => undefined } });
  await vi.waitFor(() => expect(cable.board.state).toBe("app"));
  const line = await openBindingLine(new SimulatedBinding(cable), PATH);
  await line.close();
  expect(boot).toHaveBeenCalledTimes(1);
  expect(cable.board.state).toBe("app");
});

test("a cable pulled in between: reports at once that the port was lost", async () => {
  const cable = new SerialCable({ hardware: boardWithOld() });
  const line = await openBindingLine(new SimulatedBinding(cable), PATH);
  const flashing = flashBoard(line, NEW, { onNote: () => undefined });
  cable.unplug();
  await expect(flashing).rejects.toMatchObject({ code: "serial/port-lost" });
  await line.close();
});

test("reports a port that another program has open as busy, and a missing one as not found", async () => {
  const binding = new SimulatedBinding(new SerialCable({ hardware: boardWithOld() }));
  const first = await openBindingLine(binding, PATH);
  await expect(openBindingLine(binding, PATH)).rejects.toMatchObject({ code: "serial/port-busy" });
  await expect(openBindingLine(binding, "/dev/ttyUSB9")).rejects.toMatchObject({ code: "serial/port-not-found" });
  await first.close();
  await (await openBindingLine(binding, PATH)).close();
});

test.for([
  ["Error: No such file or directory, cannot open /dev/ttyUSB0", "serial/port-not-found", "flash --list"],
  ["Error: Permission denied, cannot open /dev/ttyUSB0", "serial/permission-denied", "dialout"],
  ["Error Resource temporarily unavailable Cannot lock port", "serial/port-busy", "close the monitor"],
  ["Opening COM3: Access denied", "serial/port-busy", "close the monitor"],
  ["Opening COM3: File not found", "serial/port-not-found", "charge-only cable"],
  ["Error: Input/output error, cannot open /dev/ttyUSB0", "serial/port-unusable", ""],
] as const)("if the system says %j, the user reads %s and a hint", async ([text, code, hint]) => {
  const open = async (): Promise<never> => {
    throw new Error(text);
  };
  const opening = openBindingLine({ open, list: async () => [] }, "/dev/ttyUSB0");
  await expect(opening).rejects.toMatchObject({ code, details: { port: "/dev/ttyUSB0" } });
  if (hint !== "") await expect(opening).rejects.toMatchObject({ hint: expect.stringContaining(hint) });
});

const port = (path: string, kind: PortInfo["kind"]): PortInfo => ({
  ...{ path, kind, vendorId: undefined, productId: undefined, manufacturer: undefined, serialNumber: undefined },
});

test("without --port uses the only port that looks like a board", async () => {
  expect(await onlyBoardPort(async () => [port("/dev/ttyS0", "other"), port("/dev/ttyUSB0", "cp210x")])).toBe(
    "/dev/ttyUSB0",
  );
});

test.for([
  [[], "there are no serial ports", "driver"],
  [[port("/dev/ttyS0", "other")], "the ports are /dev/ttyS0", "plugged in"],
  [[port("COM3", "ch34x"), port("COM4", "usb-jtag")], "2 ports look like a board: COM3, COM4", "--all-ports"],
] as const)("with the ports %j says that %s", async ([ports, message, hint]) => {
  const asking = onlyBoardPort(async () => ports);
  await expect(asking).rejects.toMatchObject({ code: "serial/no-port", hint: expect.stringContaining(hint) });
  await expect(asking).rejects.toThrow(message);
});

test("ports are listed with what they look like, boards first", async () => {
  const listed = (path: string, vendorId?: string, productId?: string) => ({
    ...{ path, vendorId, productId },
    ...{ manufacturer: undefined, serialNumber: undefined, pnpId: undefined, locationId: undefined },
  });
  const list = async () => [
    listed("/dev/ttyS0"),
    listed("/dev/ttyUSB0", "10c4", "ea60"),
    listed("/dev/ttyACM0", "303a", "1001"),
    listed("/dev/ttyACM1", "2341", "0043"),
  ];
  const ports = await listPorts({ list });
  expect(ports.map(({ path, kind }) => [path, kind])).toEqual([
    ["/dev/ttyUSB0", "cp210x"],
    ["/dev/ttyACM0", "usb-jtag"],
    ["/dev/ttyS0", "other"],
    ["/dev/ttyACM1", "other"],
  ]);
  expect(ports.filter(isBoard)).toHaveLength(2);
});

test("on a system without udevadm says what lists its ports, and that --port works without it", async () => {
  const list = async (): Promise<never> => {
    throw new Error("spawn udevadm ENOENT");
  };
  await expect(listPorts({ list })).rejects.toMatchObject({
    code: "serial/ports-unlisted",
    hint: expect.stringContaining("--port"),
  });
});
