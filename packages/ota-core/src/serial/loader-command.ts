import { viewOf } from "../bytes.ts";

/**
 * Commands of the ROM loader and of the stub that a host uploads into RAM.
 *
 * @see Espressif, "Serial Protocol".
 */
export const LoaderOp = {
  FLASH_BEGIN: 0x02,
  FLASH_DATA: 0x03,
  FLASH_END: 0x04,
  MEM_BEGIN: 0x05,
  MEM_END: 0x06,
  MEM_DATA: 0x07,
  SYNC: 0x08,
  WRITE_REG: 0x09,
  READ_REG: 0x0a,
  SPI_SET_PARAMS: 0x0b,
  SPI_ATTACH: 0x0d,
  /** ROM only, at most 64 bytes. */
  READ_FLASH_SLOW: 0x0e,
  CHANGE_BAUDRATE: 0x0f,
  FLASH_DEFL_BEGIN: 0x10,
  FLASH_DEFL_DATA: 0x11,
  FLASH_DEFL_END: 0x12,
  SPI_FLASH_MD5: 0x13,
  GET_SECURITY_INFO: 0x14,
  /** Stub only, like all commands below. */
  ERASE_FLASH: 0xd0,
  ERASE_REGION: 0xd1,
  READ_FLASH: 0xd2,
  /** Has no response. */
  RUN_USER_CODE: 0xd3,
} as const;

/** Size of a packet's header in bytes. */
export const LOADER_HEADER_SIZE = 8;

/** Size of a data block's header in bytes: number of bytes, sequence number, two zeros. */
export const LOADER_BLOCK_HEADER_SIZE = 16;

/** The complete frame that a stub sends when it starts: `OHAI`. */
export const STUB_GREETING: Uint8Array = Uint8Array.of(0x4f, 0x48, 0x41, 0x49);

/** Data of SYNC: 07 07 12 20 and 32 times 55, from which the ROM measures the baud rate. */
export const SYNC_DATA: Uint8Array = Uint8Array.from([0x07, 0x07, 0x12, 0x20, ...new Array<number>(32).fill(0x55)]);

const REQUEST = 0x00;
const RESPONSE = 0x01;
const CHECKSUM_SEED = 0xef;

/** A request of the host. */
export interface LoaderRequest {
  /** One of {@link LoaderOp}, or any other byte. */
  readonly op: number;
  /** Checksum of a data block's bytes ({@link loaderChecksum}), uint32; 0 and ignored in other requests. */
  readonly checksum: number;
  readonly data: Uint8Array;
}

/** A response of the loader. */
export interface LoaderResponse {
  /** Command of the request. A ROM may answer an unknown command with another one. */
  readonly op: number;
  /** Result of READ_REG, uint32. For SYNC, 0 from a stub and another value from a ROM; otherwise 0. */
  readonly value: number;
  /** Payload, followed by the status ({@link splitLoaderStatus}). */
  readonly data: Uint8Array;
}

/**
 * Builds a request: `00 | op | length u16 | checksum u32 | data`.
 *
 * @param data - At most 65 535 bytes.
 * @param checksum - Only for data blocks. @defaultValue 0
 * @throws RangeError if there is more data.
 */
export function buildLoaderRequest(op: number, data: Uint8Array, checksum = 0): Uint8Array {
  return buildPacket(REQUEST, op, checksum, data);
}

/**
 * Parses a request.
 *
 * @param frame - An unescaped frame. The result shares its memory.
 * @returns The request, or `undefined` if the frame is not one; a loader does not answer it. Data whose length differs
 *   from the stated one is not a request.
 */
export function parseLoaderRequest(frame: Uint8Array): LoaderRequest | undefined {
  const packet = parsePacket(REQUEST, frame);
  return packet === undefined ? undefined : { op: packet.op, checksum: packet.word, data: packet.data };
}

/**
 * Builds a response: `01 | op | length u16 | value u32 | payload | status`.
 *
 * @param statusSize - 4 from the ROM of the ESP32 family, 2 from a stub.
 */
export function buildLoaderResponse(response: {
  readonly op: number;
  readonly value?: number;
  readonly payload?: Uint8Array | undefined;
  /** One of `LoaderStatus`, uint16. @defaultValue `LoaderStatus.OK` */
  readonly status?: number;
  readonly statusSize: 2 | 4;
}): Uint8Array {
  const { op, value = 0, payload = new Uint8Array(0), status = 0, statusSize } = response;
  const data = new Uint8Array(payload.length + statusSize);
  data.set(payload);
  viewOf(data).setUint16(payload.length, status);
  return buildPacket(RESPONSE, op, value, data);
}

/**
 * Parses a response.
 *
 * @param frame - An unescaped frame. The result shares its memory.
 * @returns The response, or `undefined` if the frame is not one, such as {@link STUB_GREETING}.
 */
export function parseLoaderResponse(frame: Uint8Array): LoaderResponse | undefined {
  const packet = parsePacket(RESPONSE, frame);
  return packet === undefined ? undefined : { op: packet.op, value: packet.word, data: packet.data };
}

/**
 * Splits a response's data into payload and status. A failed command has no payload.
 *
 * @param data - From {@link parseLoaderResponse}.
 * @param payloadSize - Size of the command's payload on success, in bytes. Bytes after the status are ignored.
 * @returns Payload and status (uint16, one of `LoaderStatus`), or `undefined` if there is no status.
 */
export function splitLoaderStatus(
  data: Uint8Array,
  payloadSize: number,
): { readonly payload: Uint8Array; readonly status: number } | undefined {
  const isWhole = data.length >= payloadSize + 2;
  if (!isWhole && data.length !== 2 && data.length !== 4) return undefined;
  const size = isWhole ? payloadSize : 0;
  return { payload: data.subarray(0, size), status: viewOf(data).getUint16(size) };
}

/**
 * Computes the checksum of a data block: the XOR of 0xEF and all its bytes.
 *
 * @param bytes - Bytes of the block, without its header.
 */
export function loaderChecksum(bytes: Uint8Array): number {
  let checksum = CHECKSUM_SEED;
  for (const byte of bytes) checksum ^= byte;
  return checksum;
}

/**
 * Builds the request of a data block (MEM_DATA, FLASH_DATA, FLASH_DEFL_DATA), with its checksum.
 *
 * @param sequence - Sequence number of the block, 0 for the first.
 */
export function buildLoaderBlock(op: number, sequence: number, bytes: Uint8Array): Uint8Array {
  const data = new Uint8Array(LOADER_BLOCK_HEADER_SIZE + bytes.length);
  const view = viewOf(data);
  view.setUint32(0, bytes.length, true);
  view.setUint32(4, sequence, true);
  data.set(bytes, LOADER_BLOCK_HEADER_SIZE);
  return buildLoaderRequest(op, data, loaderChecksum(bytes));
}

/**
 * Splits the data of a block's request. Does not verify the checksum.
 *
 * @returns Sequence number and bytes, or `undefined` if the block's length differs from the stated one.
 */
export function parseLoaderBlock(
  data: Uint8Array,
): { readonly sequence: number; readonly bytes: Uint8Array } | undefined {
  if (data.length < LOADER_BLOCK_HEADER_SIZE) return undefined;
  const view = viewOf(data);
  const bytes = data.subarray(LOADER_BLOCK_HEADER_SIZE);
  return view.getUint32(0, true) === bytes.length ? { sequence: view.getUint32(4, true), bytes } : undefined;
}

/** Builds the data of a command with numeric parameters, each as a little-endian uint32. */
export function loaderWords(...words: readonly number[]): Uint8Array {
  const data = new Uint8Array(4 * words.length);
  const view = viewOf(data);
  for (const [index, word] of words.entries()) view.setUint32(4 * index, word, true);
  return data;
}

function buildPacket(direction: number, op: number, word: number, data: Uint8Array): Uint8Array {
  if (data.length > 0xffff) throw new RangeError(`${data.length} bytes of data; a packet holds 65535`);
  const bytes = new Uint8Array(LOADER_HEADER_SIZE + data.length);
  const view = viewOf(bytes);
  view.setUint8(0, direction);
  view.setUint8(1, op);
  view.setUint16(2, data.length, true);
  view.setUint32(4, word, true);
  bytes.set(data, LOADER_HEADER_SIZE);
  return bytes;
}

function parsePacket(
  direction: number,
  frame: Uint8Array,
): { readonly op: number; readonly word: number; readonly data: Uint8Array } | undefined {
  if (frame.length < LOADER_HEADER_SIZE) return undefined;
  const view = viewOf(frame);
  const data = frame.subarray(LOADER_HEADER_SIZE);
  if (view.getUint8(0) !== direction || view.getUint16(2, true) !== data.length) return undefined;
  return { op: view.getUint8(1), word: view.getUint32(4, true), data };
}
