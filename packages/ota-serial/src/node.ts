export { isBoard, listPorts, type PortInfo, type PortLister, type SerialBinding } from "./node/native-binding.ts";
export { onlyBoardPort, openPort } from "./node/open-port.ts";
export { openBindingLine, openStreamLine, type StreamLineOptions } from "./node/stream-line.ts";
