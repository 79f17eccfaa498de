import { OtaError } from "@tinybms/ota-core";
import { ESPRESSIF_VENDOR_ID, type SerialLine, USB_JTAG_PRODUCT_ID, type UsbIdentity } from "../line/serial-line.ts";

/**
 * Step of a reset sequence: sets control lines (`true` asserts, so that the pin is low) or waits. A line that the step does
 * not name stays as it is.
 */
export type ResetStep = { readonly dtr?: boolean; readonly rts?: boolean } | { readonly waitMs: number };

/** How long EN is held low, in milliseconds. */
const EN_LOW_MS = 100;

/**
 * Returns the reset into the loader that changes one line at a time, as Windows and network ports do.
 *
 * @param bootDelayMs - How long IO0 stays low after the reset, in milliseconds.
 */
export function classicReset(bootDelayMs: number): readonly ResetStep[] {
  return [
    { dtr: false },
    { rts: true },
    { waitMs: EN_LOW_MS },
    { dtr: true },
    { rts: false },
    { waitMs: bootDelayMs },
    { dtr: false },
  ];
}

/**
 * Returns the reset into the loader that changes both lines in one step, so that IO0 is low before EN rises.
 *
 * @param bootDelayMs - How long IO0 stays low after the reset, in milliseconds.
 */
export function tightReset(bootDelayMs: number): readonly ResetStep[] {
  return [
    { dtr: false, rts: false },
    { dtr: true, rts: true },
    { dtr: false, rts: true },
    { waitMs: EN_LOW_MS },
    { dtr: true, rts: false },
    { waitMs: bootDelayMs },
    { dtr: false, rts: false },
  ];
}

/** Reset into the loader for a chip's USB Serial/JTAG, which interprets the control lines as commands. */
export const USB_JTAG_RESET: readonly ResetStep[] = [
  { dtr: false, rts: false },
  { waitMs: EN_LOW_MS },
  { dtr: true, rts: false },
  { waitMs: EN_LOW_MS },
  { rts: true },
  { dtr: false },
  { rts: true },
  { waitMs: EN_LOW_MS },
  { dtr: false, rts: false },
];

/** Returns the reset into the app: EN low and high again, IO0 released. */
export function hardReset(usb: UsbIdentity | undefined): readonly ResetStep[] {
  const isNative = usb?.vendorId === ESPRESSIF_VENDOR_ID;
  return [
    { dtr: false, rts: false },
    { rts: true },
    { waitMs: isNative ? 200 : EN_LOW_MS },
    { rts: false },
    ...(isNative ? [{ waitMs: 200 }] : []),
  ];
}

/**
 * Returns the resets into the loader to try in turn. Boards differ in their capacitor at EN, and systems in how they set
 * the lines.
 *
 * @returns Empty for a line without signals.
 */
export function resetsInto(
  line: Pick<SerialLine, "hasSignals" | "canSetSignalsTogether" | "usb">,
): readonly (readonly ResetStep[])[] {
  if (!line.hasSignals) return [];
  const { usb } = line;
  if (usb?.vendorId === ESPRESSIF_VENDOR_ID && usb.productId === USB_JTAG_PRODUCT_ID) return [USB_JTAG_RESET];
  const classic = [classicReset(50), classicReset(550)];
  return line.canSetSignalsTogether ? [tightReset(50), tightReset(550), ...classic] : classic;
}

/**
 * Parses a sequence in the notation of esptool's `custom_reset_sequence`: steps separated by `|`. `D0` and `D1` set DTR,
 * `R0` and `R1` set RTS, `U1,0` sets both at once, `W0.1` waits 0.1 seconds.
 *
 * @throws {@link OtaError} `arguments/invalid`.
 */
export function parseResetSequence(text: string): readonly ResetStep[] {
  return text.split("|").map((step) => {
    const [, kind = "", first = "", , second = ""] = /^([DRUW])([0-9.]+)(,([01]))?$/.exec(step.trim()) ?? [];
    const isOn = first === "1";
    if (kind === "W" && Number(first) <= 10) return { waitMs: Math.round(1000 * Number(first)) };
    if (isOn || first === "0") {
      if (kind === "D" && second === "") return { dtr: isOn };
      if (kind === "R" && second === "") return { rts: isOn };
      if (kind === "U" && second !== "") return { dtr: isOn, rts: second === "1" };
    }
    const message = `${JSON.stringify(step)} is not a step of a reset sequence; steps are D0, D1, R0, R1, U0,1 and W0.1 (at most 10 s)`;
    throw new OtaError("arguments/invalid", message, { option: "--reset-sequence" });
  });
}

/** Runs a reset sequence. */
export async function runReset(line: SerialLine, steps: readonly ResetStep[]): Promise<void> {
  let signals = { dtr: false, rts: false };
  for (const step of steps) {
    if ("waitMs" in step) await line.wait(step.waitMs);
    else {
      signals = { ...signals, ...step };
      await line.setSignals(signals);
    }
  }
}
