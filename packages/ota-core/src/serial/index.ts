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
} from "./loader-command.ts";
export { LoaderStatus, loaderStatusMeaning } from "./loader-status.ts";
export { buildSecurityInfo, parseSecurityInfo, SecurityFlag, type SecurityInfo } from "./security-info.ts";
export { encodeSlip, SlipDecoder, type SlipPart } from "./slip.ts";
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
} from "./telnet.ts";
