export { type BootReport, type BootWatch, watchBoot } from "./boot/watch-boot.ts";
export type { FlashProgress, WriteReport } from "./flash/flash-progress.ts";
export type { FlashPart } from "./flash/regions.ts";
export { Flasher, type FlasherOptions } from "./flasher.ts";
export { BAUD_RATE_DEFAULT, type SerialLine, type Signals, type UsbIdentity } from "./line/serial-line.ts";
export { openWebSerialLine, type WebSerialPort } from "./line/web-serial-line.ts";
export type { Board, ChipFacts } from "./loader/board.ts";
export { hardReset, parseResetSequence, type ResetStep, runReset } from "./loader/reset-sequence.ts";
export type { AppSlot, BoardLayout, SlotName } from "./plan/board-layout.ts";
export type { FlashImage } from "./plan/check-image.ts";
export type { SlotChoice } from "./plan/choose-slot.ts";
export { type AppFlashOptions, type FlashPlan, planAppFlash } from "./plan/flash-plan.ts";
export {
  assertSettings,
  type FlasherArgs,
  type PlacedFile,
  parseFlasherArgs,
  parsePlacedFile,
} from "./plan/flasher-args.ts";
export type { FlashSettingNames } from "./plan/settle-parts.ts";
export { planWholeFlash, type WholeFlashOptions } from "./plan/whole-plan.ts";
