/** USB ids of a port's adapter. */
export interface UsbIdentity {
  readonly vendorId: number;
  readonly productId: number;
}

/** The two control lines; `true` means asserted, so that the pin is low. RTS drives EN, DTR drives IO0. */
export interface Signals {
  readonly dtr: boolean;
  readonly rts: boolean;
}

/**
 * Open serial port with two control lines and a clock.
 *
 * The line has the clock so that code can run against a simulated board in simulated time. Any call may reject with
 * `serial/port-lost`. Only one `read` may wait at a time.
 */
export interface SerialLine {
  /** Name of the port: a path or a URL. */
  readonly port: string;
  readonly usb: UsbIdentity | undefined;
  /** `true` if DTR and RTS reach the board. */
  readonly hasSignals: boolean;
  /** `true` if both control lines can change at the same moment. Otherwise they change one after the other. */
  readonly canSetSignalsTogether: boolean;
  /** `true` if this side can change the baud rate. */
  readonly hasBaudRate: boolean;
  write(bytes: Uint8Array): Promise<void>;
  /**
   * Takes the received bytes.
   *
   * @param timeoutMs - How long to wait for the first byte, in milliseconds.
   * @returns Empty if nothing arrived in time.
   */
  read(timeoutMs: number): Promise<Uint8Array>;
  /** Sets both control lines. In between, EN is low only if it was low before or is low afterwards. */
  setSignals(signals: Signals): Promise<void>;
  /** Changes the baud rate once all written bytes have been sent. */
  setBaudRate(baudRate: number): Promise<void>;
  wait(ms: number): Promise<void>;
  /** Returns the time in milliseconds, on the clock of `read` and `wait`. */
  now(): number;
  close(): Promise<void>;
}

/** Baud rate of ROM loaders and of ESP-IDF's log. */
export const BAUD_RATE_DEFAULT = 115_200;

/** Espressif's USB vendor id. */
export const ESPRESSIF_VENDOR_ID = 0x303a;

/** Product id of the USB Serial/JTAG of Espressif's chips. */
export const USB_JTAG_PRODUCT_ID = 0x1001;

/** Largest data block that a stub accepts, in bytes. Over the chip's own USB (USB-OTG) it is smaller. */
const BLOCK_SIZE_MAX = 0x4000;
const USB_OTG_BLOCK_SIZE_MAX = 0x800;

/** Returns the largest data block for a line, in bytes. */
export function blockSizeMax({ usb }: Pick<SerialLine, "usb">): number {
  const isUsbOtg = usb?.vendorId === ESPRESSIF_VENDOR_ID && usb.productId !== USB_JTAG_PRODUCT_ID;
  return isUsbOtg ? USB_OTG_BLOCK_SIZE_MAX : BLOCK_SIZE_MAX;
}
