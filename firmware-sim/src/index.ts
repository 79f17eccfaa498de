export type { CommandWorld } from "@tinybms/cli-kit/output";
export type { SelfTestOutcome, SelfTestRule } from "./agent/self-test.ts";
export type { BootSlot, ResetReason } from "./boot/boot-event.ts";
export type { BootloaderOptions, Hardware } from "./boot/boot-options.ts";
export { type BootOutcome, runBootloader } from "./boot/bootloader.ts";
export { Efuse, type EfuseFields } from "./boot/efuse.ts";
export type { RomSignatureVerifier, SignedApps } from "./boot/secure-boot-v2.ts";
export { runSimCli } from "./cli.ts";
export {
  createDevice,
  createHardware,
  createProvisionedDevice,
  type DeviceSpec,
  type FlashContents,
  type ProvisionedDeviceOptions,
} from "./device/create-device.ts";
export { SimulatedDevice } from "./device/device.ts";
export type { DeviceAction, DeviceEvent, DeviceLogEntry, DeviceStatus, DeviceTotals } from "./device/device-events.ts";
export type { DeviceOptions } from "./device/device-options.ts";
export type { DeviceSummary, OtadataSummary } from "./device/device-summary.ts";
export type { AppBuild } from "./esp-idf/app-context.ts";
export type { Fault, MessageFault, PowerCutFault, SelfTestFault } from "./fault/fault.ts";
export { parseFault } from "./fault/parse-fault.ts";
export { ContentCache } from "./flash/content-cache.ts";
export type { FlashFault } from "./flash/flash-fault.ts";
export { NorFlash } from "./flash/nor-flash.ts";
export type { CutMoment, CutPlan } from "./flash/power-cut.ts";
export {
  type IdfRelease,
  type IdfReleaseMatch,
  type IdfReleaseName,
  idfRelease,
  matchIdfRelease,
} from "./idf-release/idf-release.ts";
export type { SweepViolation } from "./power-cut/invariant.ts";
export { powerCutSweep, type SweepResult } from "./power-cut/sweep.ts";
export type { SweepOptions } from "./power-cut/sweep-options.ts";
export { createRandom, type Random } from "./random/random.ts";
export type { ResetCircuit, SerialSignals } from "./rom/reset-circuit.ts";
export { SerialBoard, type SerialBoardOptions } from "./rom/serial-board.ts";
export type { SerialBoardAction, SerialBoardEvent, SerialBoardState } from "./rom/serial-board-events.ts";
export { type BoardFirmware, BootloaderFirmware } from "./serial/board-firmware.ts";
export { listenOnRfc2217 } from "./serial/rfc2217-port.ts";
export { type HostPort, type PortListener, SerialCable, type SerialCableOptions } from "./serial/serial-cable.ts";
export { type ListenAddress, listenOnTcp, type NetworkPort } from "./serial/tcp-port.ts";
export {
  type LineOptions,
  MOSQUITTO_LIMITS,
  type NetworkCounts,
  type NetworkEvent,
  type NetworkOptions,
  type QueueLimits,
  type WorldEvent,
} from "./simulation/network-options.ts";
export {
  ImagePublisher,
  type ImagePublisherOptions,
  type Publication,
  publishImage,
} from "./simulation/publish-image.ts";
export type { PublisherRun, WorldPublisher } from "./simulation/publisher-in-world.ts";
export { type DeviceTraits, World, type WorldOptions } from "./simulation/world.ts";
