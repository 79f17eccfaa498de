export { type Binding, type BindingPort, openBindingLine } from "./node/binding-line.ts";
export { isBoard, type ListingBinding, listPorts, nativeBinding, type PortInfo } from "./node/native-binding.ts";
export { onlyBoardPort, openPort } from "./node/open-port.ts";
export { openRfc2217Line } from "./node/rfc2217-line.ts";
export { type NetworkAddress, openSocketLine } from "./node/socket-line.ts";
