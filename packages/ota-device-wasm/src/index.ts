export { DeviceModule, sharedDeviceModule } from "./device-module.ts";
export { WasmReceiver } from "./wasm-receiver.ts";
