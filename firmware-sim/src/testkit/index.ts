export { type EmbeddedBroker, startEmbeddedBroker } from "@tinybms/ota-broker";
export { createDevice, createProvisionedDevice, type DeviceSpec } from "../device/create-device.ts";
export type { SimulatedDevice } from "../device/device.ts";
export type { DeviceLogEntry } from "../device/device-events.ts";
export type { DeviceSummary } from "../device/device-summary.ts";
export { parseFault } from "../fault/parse-fault.ts";
export { type ConnectOptions, connectDevice, type DeviceConnection } from "../mqtt/connect-device.ts";
export { type HostPort, type PortListener, SerialCable, type SerialCableOptions } from "../serial/serial-cable.ts";
export { type UntilOptions, untilState } from "./until-state.ts";
