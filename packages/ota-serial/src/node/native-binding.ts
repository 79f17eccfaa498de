import type { SerialPortStream } from "@serialport/stream";
import { OtaError } from "@tinybms/ota-core";
import { ESPRESSIF_VENDOR_ID, USB_JTAG_PRODUCT_ID, type UsbIdentity } from "../line/serial-line.ts";

/** Serial port of this machine. */
export interface PortInfo {
  readonly path: string;
  readonly vendorId: number | undefined;
  readonly productId: number | undefined;
  readonly manufacturer: string | undefined;
  readonly serialNumber: string | undefined;
  /** Kind of adapter: one that ESP32 boards carry, the chip's own USB, or another one. */
  readonly kind: "usb-jtag" | "cp210x" | "ch34x" | "ftdi" | "pl2303" | "espressif" | "other";
}

/** USB vendors of adapters on ESP32 boards. */
const ADAPTERS: ReadonlyMap<number, PortInfo["kind"]> = new Map<number, PortInfo["kind"]>([
  [ESPRESSIF_VENDOR_ID, "espressif"],
  [0x10c4, "cp210x"],
  [0x1a86, "ch34x"],
  [0x0403, "ftdi"],
  [0x067b, "pl2303"],
]);

/** Binding of serialport: `BindingInterface` from `@serialport/bindings-interface`. */
export type SerialBinding = SerialPortStream["settings"]["binding"];

/** Port in a binding's list. */
type ListedPort = Awaited<ReturnType<SerialBinding["list"]>>[number];

/** Part of a serialport binding that lists a machine's ports. */
export type PortLister = Pick<SerialBinding, "list">;

/**
 * Loads serialport's native binding for this system.
 *
 * @throws {@link OtaError} `serial/bindings-missing`.
 */
export async function nativeBinding(): Promise<SerialBinding> {
  try {
    const { autoDetect } = await import("@serialport/bindings-cpp");
    return autoDetect();
  } catch (cause) {
    const message = "the native part for serial ports, @serialport/bindings-cpp, can't be loaded on this machine";
    const hint = "npm install @serialport/bindings-cpp; socket:// and rfc2217:// ports work without it";
    throw new OtaError("serial/bindings-missing", message, {}, { cause, hint });
  }
}

/**
 * Returns the serial ports of this machine, those that look like a board first.
 *
 * @throws {@link OtaError} `serial/bindings-missing`.
 * @throws {@link OtaError} `serial/ports-unlisted`.
 */
export async function listPorts(binding?: PortLister): Promise<readonly PortInfo[]> {
  const source = binding ?? (await nativeBinding());
  const listed = await source.list().catch((cause: unknown) => {
    const message = `this system's serial ports can't be listed: ${cause instanceof Error ? cause.message : String(cause)}`;
    const hint = "on Linux this needs udevadm (package udev); or name the port with --port";
    throw new OtaError("serial/ports-unlisted", message, {}, { cause, hint });
  });
  const ports = listed.map(portInfo);
  return [...ports.filter(isBoard), ...ports.filter((port) => !isBoard(port))];
}

/** Returns a port's USB ids if the system reports them. They determine how the board is reset. */
export async function usbOf(path: string, binding: PortLister): Promise<UsbIdentity | undefined> {
  const ports = await listPorts(binding).catch(() => []);
  const { vendorId, productId } = ports.find((port) => port.path === path) ?? {};
  return vendorId === undefined || productId === undefined ? undefined : { vendorId, productId };
}

/** Returns `true` if a port looks like an ESP32 board. */
export function isBoard({ kind }: Pick<PortInfo, "kind">): boolean {
  return kind !== "other";
}

function portInfo({ path, vendorId, productId, manufacturer, serialNumber }: ListedPort): PortInfo {
  const [vendor, product] = [numberOf(vendorId), numberOf(productId)];
  const isUsbJtag = vendor === ESPRESSIF_VENDOR_ID && product === USB_JTAG_PRODUCT_ID;
  const kind = isUsbJtag ? "usb-jtag" : vendor === undefined ? "other" : (ADAPTERS.get(vendor) ?? "other");
  return { path, vendorId: vendor, productId: product, manufacturer, serialNumber, kind };
}

function numberOf(hex: string | undefined): number | undefined {
  const value = Number.parseInt(hex ?? "", 16);
  return Number.isNaN(value) ? undefined : value;
}
