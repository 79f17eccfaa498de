export { WasmReceiver } from "./wasm-receiver.ts";
