import type { ChipName } from "@tinybms/ota-core/esp";

/** The serial port's control lines as its host sets them: true is asserted, which is low on the pin. */
export interface SerialSignals {
  readonly dtr: boolean;
  readonly rts: boolean;
}

/**
 * How the lines reach the chip: `transistors`, two of them, cross-coupled, on Espressif's boards with a USB bridge;
 * `usb-serial-jtag`, the chip's own USB port; `none`: only buttons.
 */
export type ResetCircuit = "transistors" | "usb-serial-jtag" | "none";

/** Every {@link ResetCircuit}. */
export const RESET_CIRCUITS: readonly ResetCircuit[] = ["transistors", "usb-serial-jtag", "none"];

/** Chips that have the USB Serial/JTAG controller. */
export const USB_SERIAL_JTAG_CHIPS: readonly ChipName[] = ["esp32s3", "esp32c3", "esp32c6", "esp32h2"];

/** The pins that decide over reset and boot mode: true is high, as with nobody pulling. */
export interface StrappingPins {
  readonly enable: boolean;
  /** GPIO0, or GPIO9 on ESP32-C3, C6 and H2. */
  readonly boot: boolean;
}

/**
 * The pins behind the two transistors. With both lines asserted, or neither, none conducts.
 *
 * Source: esptool's documentation, "Boot Mode Selection".
 */
export function pinsOf({ dtr, rts }: SerialSignals): StrappingPins {
  return { enable: !(rts && !dtr), boot: !(dtr && !rts) };
}
