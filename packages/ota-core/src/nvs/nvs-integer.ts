import { viewOf } from "../bytes.ts";
import { NvsType } from "./nvs-entry.ts";

/** Name of an integer type. */
export type NvsIntegerType = "u8" | "i8" | "u16" | "i16" | "u32" | "i32" | "u64" | "i64";

/** An integer type of the functions `nvs_set_…`. */
export interface NvsInteger {
  /** One of `NvsType`'s numbers. */
  readonly type: number;
  readonly sizeBytes: number;
  readonly min: bigint;
  readonly max: bigint;
}

/** The integers by name. */
export const NVS_INTEGERS: Readonly<Record<NvsIntegerType, NvsInteger>> = {
  u8: { type: NvsType.u8, sizeBytes: 1, min: 0n, max: 0xffn },
  i8: { type: NvsType.i8, sizeBytes: 1, min: -0x80n, max: 0x7fn },
  u16: { type: NvsType.u16, sizeBytes: 2, min: 0n, max: 0xffffn },
  i16: { type: NvsType.i16, sizeBytes: 2, min: -0x8000n, max: 0x7fffn },
  u32: { type: NvsType.u32, sizeBytes: 4, min: 0n, max: 0xffff_ffffn },
  i32: { type: NvsType.i32, sizeBytes: 4, min: -0x8000_0000n, max: 0x7fff_ffffn },
  u64: { type: NvsType.u64, sizeBytes: 8, min: 0n, max: 0xffff_ffff_ffff_ffffn },
  i64: { type: NvsType.i64, sizeBytes: 8, min: -0x8000_0000_0000_0000n, max: 0x7fff_ffff_ffff_ffffn },
};

/** Returns `true` if a type or an encoding is an integer's. */
export function isNvsIntegerType(name: string): name is NvsIntegerType {
  return Object.hasOwn(NVS_INTEGERS, name);
}

/** Returns the data field of an integer: little-endian, the unused bytes 0xFF. The value is in the type's range. */
export function buildNvsInteger(type: NvsIntegerType, value: number | bigint): Uint8Array {
  const data = new Uint8Array(8).fill(0xff);
  const view = viewOf(data);
  const { sizeBytes } = NVS_INTEGERS[type];
  if (sizeBytes === 8) view.setBigInt64(0, BigInt(value), true);
  else if (sizeBytes === 4) view.setInt32(0, Number(value), true);
  else if (sizeBytes === 2) view.setInt16(0, Number(value), true);
  else view.setInt8(0, Number(value));
  return data;
}
