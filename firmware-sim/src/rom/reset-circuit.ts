import type { ChipName } from "@tinybms/ota-core/esp";

/** Control lines of a serial port as the host sets them. `true` is asserted, which is low on the pin. */
export interface SerialSignals {
  readonly dtr: boolean;
  readonly rts: boolean;
}

/**
 * Connection of the control lines to the chip: `transistors`, two of them, cross-coupled, on Espressif's boards with a USB
 * bridge; `usb-serial-jtag`, the chip's own USB port; `none`, only buttons.
 */
export type ResetCircuit = "transistors" | "usb-serial-jtag" | "none";

/** All {@link ResetCircuit} values. */
export const RESET_CIRCUITS: readonly ResetCircuit[] = ["transistors", "usb-serial-jtag", "none"];

/** Chips with the USB Serial/JTAG controller. */
export const USB_SERIAL_JTAG_CHIPS: readonly ChipName[] = ["esp32s3", "esp32c3", "esp32c6", "esp32h2"];

/** Pins that decide over reset and boot mode. `true` is high, the state without an external pull. */
export interface StrappingPins {
  readonly enable: boolean;
  /** GPIO0, or GPIO9 on ESP32-C3, C6 and H2. */
  readonly boot: boolean;
}

/**
 * Returns the pins behind the two transistors. With both lines asserted, or neither, no transistor conducts.
 *
 * Source: esptool's documentation, "Boot Mode Selection".
 */
export function pinsOf({ dtr, rts }: SerialSignals): StrappingPins {
  return { enable: !(rts && !dtr), boot: !(dtr && !rts) };
}
