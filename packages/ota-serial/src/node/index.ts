export { isBoard, listPorts, type PortInfo, type PortLister, type SerialBinding } from "./native-binding.ts";
export { onlyBoardPort, openPort } from "./open-port.ts";
export { openBindingLine, openStreamLine, type StreamLineOptions } from "./stream-line.ts";
