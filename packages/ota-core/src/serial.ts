export {
  buildLoaderBlock,
  buildLoaderRequest,
  buildLoaderResponse,
  LoaderOp,
  type LoaderRequest,
  type LoaderResponse,
  loaderChecksum,
  loaderWords,
  parseLoaderBlock,
  parseLoaderRequest,
  parseLoaderResponse,
  STUB_GREETING,
  SYNC_DATA,
  splitLoaderStatus,
} from "./serial/loader-command.ts";
export { LoaderStatus, loaderStatusMeaning } from "./serial/loader-status.ts";
export { buildSecurityInfo, parseSecurityInfo, SecurityFlag, type SecurityInfo } from "./serial/security-info.ts";
export { encodeSlip, SlipDecoder, type SlipPart } from "./serial/slip.ts";
export {
  buildNegotiation,
  buildSubnegotiation,
  COM_PORT_ANSWER,
  ComPort,
  ComPortControl,
  escapeTelnet,
  TelnetCommand,
  TelnetDecoder,
  TelnetOption,
  type TelnetPart,
} from "./serial/telnet.ts";
