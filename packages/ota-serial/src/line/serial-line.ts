/** What USB says of the adapter behind a port. */
export interface UsbIdentity {
  readonly vendorId: number;
  readonly productId: number;
}

/** The two control lines, `true` for asserted: the pin is low. RTS drives EN, DTR drives IO0. */
export interface Signals {
  readonly dtr: boolean;
  readonly rts: boolean;
}

/**
 * An open serial port: bytes both ways, two control lines, and the time that waiting takes.
 *
 * Time belongs to the line, so that what talks over it runs against a simulated board in simulated time. Any call may
 * reject with `serial/port-lost`; only one `read` waits at a time.
 */
export interface SerialLine {
  /** How people name it: a path, or a URL. */
  readonly port: string;
  readonly usb: UsbIdentity | undefined;
  /** Whether DTR and RTS reach the board. */
  readonly hasSignals: boolean;
  /** Whether both lines can change in the same moment. Without it they change one after the other. */
  readonly canSetSignalsTogether: boolean;
  /** Whether the rate is this side's to change. */
  readonly hasBaudRate: boolean;
  write(bytes: Uint8Array): Promise<void>;
  /**
   * Takes what has been received.
   *
   * @param timeoutMs - How long to wait for the first byte.
   * @returns Empty when the time is up.
   */
  read(timeoutMs: number): Promise<Uint8Array>;
  /** Sets both lines. On the way EN is never low, unless it was before or is afterwards. */
  setSignals(signals: Signals): Promise<void>;
  /** Changes the rate of an open port, once what was written has left. */
  setBaudRate(baudRate: number): Promise<void>;
  wait(ms: number): Promise<void>;
  /** Milliseconds since some moment, as `read` and `wait` count them. */
  now(): number;
  close(): Promise<void>;
}

/** The rate at which every ROM loader and every log of ESP-IDF begins. */
export const BAUD_RATE_DEFAULT = 115_200;

/** Espressif's USB vendor id. */
export const ESPRESSIF_VENDOR_ID = 0x303a;

/** Product id of the USB Serial/JTAG of Espressif's chips. */
export const USB_JTAG_PRODUCT_ID = 0x1001;

/** Largest block of data that a stub takes, in bytes; over the USB of the chip itself (USB-OTG) it is less. */
const BLOCK_SIZE_MAX = 0x4000;
const USB_OTG_BLOCK_SIZE_MAX = 0x800;

/** Returns the largest block of data that may go over a line, in bytes. */
export function blockSizeMax({ usb }: Pick<SerialLine, "usb">): number {
  const isUsbOtg = usb?.vendorId === ESPRESSIF_VENDOR_ID && usb.productId !== USB_JTAG_PRODUCT_ID;
  return isUsbOtg ? USB_OTG_BLOCK_SIZE_MAX : BLOCK_SIZE_MAX;
}
