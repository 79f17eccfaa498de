import {
  buildLoaderResponse,
  buildSecurityInfo,
  encodeSlip,
  LoaderOp,
  type LoaderRequest,
  LoaderStatus,
  loaderChecksum,
  parseLoaderBlock,
  parseLoaderRequest,
  SecurityFlag,
  STUB_GREETING,
} from "@tinybms/ota-core/serial";
import type { Hardware } from "../boot/boot-options.ts";
import { PowerCut } from "../flash/power-cut.ts";
import { hasCommandLength } from "./command-lengths.ts";
import type { LoaderEffect } from "./loader-effect.ts";
import { LoaderFlash, wordsOf } from "./loader-flash.ts";
import { DONE, type LoaderReply } from "./loader-reply.ts";
import { RamLoad } from "./ram-load.ts";
import { RegisterFile } from "./register-file.ts";
import type { RomProfile } from "./rom-profile.ts";

/** Value of the ROM's answer to SYNC. A stub answers 0. */
const ROM_SYNC_VALUE = 0x2012_0707;

/** Number of answers to SYNC, and to a command that a ROM doesn't know. */
const REPETITIONS = 8;

/** Commands that the ROM accepts in Secure Download Mode. */
const SECURE_DOWNLOAD_OPS: readonly number[] = [
  LoaderOp.SYNC,
  LoaderOp.GET_SECURITY_INFO,
  LoaderOp.CHANGE_BAUDRATE,
  LoaderOp.SPI_ATTACH,
  LoaderOp.SPI_SET_PARAMS,
  LoaderOp.FLASH_BEGIN,
  LoaderOp.FLASH_DATA,
  LoaderOp.FLASH_END,
  LoaderOp.FLASH_DEFL_BEGIN,
  LoaderOp.FLASH_DEFL_DATA,
  LoaderOp.FLASH_DEFL_END,
];

/**
 * Simulates the serial loader in a chip's ROM, and the stub that a host uploads: takes frames and returns effects, without
 * clock or line. A reset is a new object over the same hardware.
 *
 * The stub behaves as Espressif's esp-flasher-stub. The uploaded code is not run.
 */
export class RomLoader {
  readonly #hardware: Hardware;
  readonly #profile: RomProfile;
  readonly #registers: RegisterFile;
  readonly #flash: LoaderFlash;
  readonly #ram: RamLoad = new RamLoad();
  #isStub = false;

  /** @param mac - The chip's base MAC address, six bytes. */
  constructor(hardware: Hardware, profile: RomProfile, mac: Uint8Array) {
    this.#hardware = hardware;
    this.#profile = profile;
    this.#flash = new LoaderFlash(hardware);
    this.#registers = new RegisterFile(profile, hardware, mac, () => this.#flash.isAttached);
  }

  /** Whether a stub runs in place of the ROM. */
  get isStub(): boolean {
    return this.#isStub;
  }

  /** Sets the measured baud rate of the line. */
  set baudRate(baudRate: number) {
    this.#registers.baudRate = baudRate;
  }

  /**
   * Handles a frame.
   *
   * @param frame - The unescaped frame. Frames that are not requests get no answer.
   */
  handle(frame: Uint8Array): LoaderEffect[] {
    const effects: LoaderEffect[] = [];
    try {
      const next = this.#flash.acknowledge(frame);
      const request = next === undefined ? parseLoaderRequest(frame) : undefined;
      if (next !== undefined) effects.push(next);
      if (request !== undefined) this.#answer(request, effects);
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
      effects.push({ type: "power-lost", message: error.message });
    }
    return effects;
  }

  #answer(request: LoaderRequest, effects: LoaderEffect[]): void {
    const { op } = request;
    if (this.#isStub && op === LoaderOp.RUN_USER_CODE) {
      effects.push({ type: "run-app" });
      return;
    }
    const late = this.#flash.takeLateStatus();
    const reply = late === LoaderStatus.OK ? this.#execute(request) : { status: late };
    if (reply === undefined) {
      effects.push(...this.#unknownCommand(op));
      return;
    }
    if (reply.busyMs !== undefined) effects.push({ type: "busy", durationMs: reply.busyMs });
    const response = this.#response(op, reply);
    const repetitions = op === LoaderOp.SYNC && late === LoaderStatus.OK ? REPETITIONS : 1;
    for (let count = 0; count < repetitions; count++) effects.push(response);
    effects.push(...(reply.afterwards?.() ?? []));
  }

  #response(op: number, { status = LoaderStatus.OK, value = 0, payload }: LoaderReply): LoaderEffect {
    const statusSize = this.#isStub ? 2 : 4;
    return { type: "send", bytes: encodeSlip(buildLoaderResponse({ op, value, status, statusSize, payload })) };
  }

  /** Hosts recognize that a ROM doesn't know their command by the different op and the error. */
  #unknownCommand(op: number): readonly LoaderEffect[] {
    if (this.#isStub) return [this.#response(op, { status: LoaderStatus.STUB_UNKNOWN_COMMAND })];
    return new Array<LoaderEffect>(REPETITIONS).fill(this.#response(0, { status: LoaderStatus.ROM_BAD_MESSAGE }));
  }

  /** @returns `undefined` for an unknown command. */
  #execute({ op, data, checksum }: LoaderRequest): LoaderReply | undefined {
    if (this.#hardware.efuse.isSecureDownloadOn && !SECURE_DOWNLOAD_OPS.includes(op)) return undefined;
    if (!hasCommandLength(op, data.length)) return this.#wrongLength();
    const words = wordsOf(data);
    const [first = 0, second = 0] = words;
    switch (op) {
      case LoaderOp.SYNC:
        return { value: this.#isStub ? 0 : ROM_SYNC_VALUE };
      case LoaderOp.READ_REG:
        return { value: this.#registers.read(first) };
      case LoaderOp.WRITE_REG:
        return this.#writeRegisters(words);
      case LoaderOp.GET_SECURITY_INFO:
        return this.#securityInfo();
      case LoaderOp.CHANGE_BAUDRATE:
        return this.#changeBaudRate(first);
      case LoaderOp.MEM_BEGIN:
        this.#ram.begin(words[3] ?? 0, first);
        return DONE;
      case LoaderOp.MEM_END:
        return first === 0 ? { afterwards: () => this.#jump(second) } : DONE;
      case LoaderOp.SPI_ATTACH:
        return this.#flash.attach();
      case LoaderOp.SPI_SET_PARAMS:
        return this.#flash.setParameters(words);
      case LoaderOp.FLASH_BEGIN:
      case LoaderOp.FLASH_DEFL_BEGIN:
        return this.#flash.begin(words, op === LoaderOp.FLASH_DEFL_BEGIN);
      case LoaderOp.MEM_DATA:
      case LoaderOp.FLASH_DATA:
      case LoaderOp.FLASH_DEFL_DATA:
        return this.#block(op, data, checksum);
      case LoaderOp.FLASH_END:
      case LoaderOp.FLASH_DEFL_END:
        return this.#end(op, first);
      case LoaderOp.SPI_FLASH_MD5:
        return this.#flash.md5(first, second);
      case LoaderOp.READ_FLASH_SLOW:
        return this.#isStub ? undefined : this.#flash.readSlow(first, second);
      default:
        return this.#isStub ? this.#executeOfStub(op, words) : undefined;
    }
  }

  #executeOfStub(op: number, words: readonly number[]): LoaderReply | undefined {
    const [first = 0, second = 0] = words;
    switch (op) {
      case LoaderOp.ERASE_FLASH:
        return this.#flash.eraseAll();
      case LoaderOp.ERASE_REGION:
        return this.#flash.eraseRegion(first, second);
      case LoaderOp.READ_FLASH:
        return this.#flash.beginRead(words);
      default:
        return undefined;
    }
  }

  #wrongLength(): LoaderReply {
    return { status: this.#isStub ? LoaderStatus.STUB_DATA_LENGTH : LoaderStatus.ROM_BAD_MESSAGE };
  }

  #writeRegisters(words: readonly number[]): LoaderReply {
    for (let index = 0; index < words.length; index += 4) {
      const [address = 0, value = 0, mask = 0] = words.slice(index);
      this.#registers.write(address, value, mask);
    }
    return DONE;
  }

  #securityInfo(): LoaderReply | undefined {
    const { securityInfo } = this.#profile;
    if (securityInfo === "unknown-command") return undefined;
    const { chip, efuse } = this.#hardware;
    const flags =
      (efuse.isSecureBootOn ? SecurityFlag.SECURE_BOOT_EN : 0) |
      (efuse.isSecureDownloadOn ? SecurityFlag.SECURE_DOWNLOAD_ENABLE : 0);
    const payload = buildSecurityInfo({
      flags,
      flashCryptCount: efuse.flashEncryptionKey === undefined ? 0 : 1,
      keyPurposes: new Uint8Array(7),
      chipId: securityInfo === "full" ? chip.id : undefined,
      apiVersion: 0,
    });
    return { payload };
  }

  /** The response still uses the old rate. Hosts that failed to measure the ROM's clock send 0. */
  #changeBaudRate(baudRate: number): LoaderReply {
    if (baudRate === 0) return DONE;
    const afterwards = (): readonly LoaderEffect[] => {
      this.#registers.baudRate = baudRate;
      return [{ type: "baud-rate", baudRate }];
    };
    return { afterwards };
  }

  /** Jumps to an address. Any uploaded code there is treated as a stub; elsewhere the chip crashes. */
  #jump(entry: number): readonly LoaderEffect[] {
    if (!this.#ram.holds(entry)) return [{ type: "hang" }];
    this.#isStub = true;
    this.#flash.startStub();
    return [{ type: "send", bytes: encodeSlip(STUB_GREETING) }];
  }

  #block(op: number, data: Uint8Array, checksum: number): LoaderReply {
    const block = parseLoaderBlock(data);
    if (block === undefined) return this.#wrongLength();
    if (loaderChecksum(block.bytes) !== checksum) {
      return { status: this.#isStub ? LoaderStatus.STUB_CHECKSUM : LoaderStatus.ROM_CHECKSUM };
    }
    if (op !== LoaderOp.MEM_DATA) {
      return this.#flash.block(block.sequence, block.bytes, op === LoaderOp.FLASH_DEFL_DATA);
    }
    if (this.#ram.block(block.bytes.length)) return DONE;
    return { status: this.#isStub ? LoaderStatus.STUB_TOO_MUCH_DATA : LoaderStatus.ROM_RAM_SIZE };
  }

  /** Ends a write. A ROM leaves the loader: 0 restarts, 1 runs the app in flash. A stub ignores the flag and stays. */
  #end(op: number, flag: number): LoaderReply {
    const reply = this.#flash.end(op === LoaderOp.FLASH_DEFL_END);
    if (this.#isStub || reply.status !== undefined) return reply;
    return { afterwards: () => [{ type: flag === 0 ? "restart" : "run-app" }] };
  }
}
