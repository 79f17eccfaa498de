export {
  isBoard,
  listPorts,
  nativeBinding,
  type PortInfo,
  type PortLister,
  type SerialBinding,
} from "./node/native-binding.ts";
export { onlyBoardPort, openPort } from "./node/open-port.ts";
export { openRfc2217Line } from "./node/rfc2217-line.ts";
export { type NetworkAddress, openSocketLine } from "./node/socket-line.ts";
export { openBindingLine, openStreamLine, type StreamLineOptions } from "./node/stream-line.ts";
