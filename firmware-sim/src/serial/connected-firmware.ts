import type { DeviceLogEntry } from "../device/device-events.ts";
import type { DeviceConnection } from "../mqtt/connect-device.ts";
import { consoleText } from "../rom/rom-console.ts";
import type { BoardFirmware } from "./board-firmware.ts";
import { bootConsole } from "./boot-console.ts";
import type { SerialCable } from "./serial-cable.ts";

/** A device with its agent as the firmware of a board: the ROM starts and stops it, and it connects to its broker. */
export class ConnectedFirmware implements BoardFirmware {
  readonly #connection: DeviceConnection;
  readonly #beforeBoot: () => void;
  #print: (text: string) => void = () => undefined;

  /** @param beforeBoot - Called before each start, when the content of flash may have changed. */
  constructor(connection: DeviceConnection, beforeBoot: () => void) {
    this.#connection = connection;
    this.#beforeBoot = beforeBoot;
  }

  boot(print: (text: string) => void): void {
    this.#print = print;
    this.#beforeBoot();
    this.#connection.powerOn();
  }

  halt(): void {
    this.#connection.hold();
  }

  /** Handles a log entry of the device: prints it on the console, and cuts the board's power with the device's. */
  follow(entry: DeviceLogEntry, cable: SerialCable): void {
    const { bootOutcome } = this.#connection.device;
    if (entry.type === "power-cut") cable.cutPower();
    if (entry.type === "panic") this.#print(consoleText([`abort() was called: ${entry.message}`, "Rebooting..."]));
    if ((entry.type === "booted" || entry.type === "reset-loop") && bootOutcome !== undefined) {
      this.#print(consoleText(bootConsole(bootOutcome)));
    }
  }
}
