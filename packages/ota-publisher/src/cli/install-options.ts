import { positiveNumber } from "@tinybms/cli-kit";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { MaintenanceWindow } from "../offer-payload.ts";

/** Adds the options that say when devices restart into the image. */
export function addInstallOptions(command: Command): Command {
  return command
    .optionsGroup("Restart (MQTT in chunks):")
    .option("--install-after <time>", "not before this time, such as 2026-03-01T02:00:00+01:00", installTime)
    .option(
      "--between <window>",
      "only in this time of day: 22:00-02:00 in UTC, or 22:00-02:00+01:00",
      maintenanceWindow,
    )
    .addOption(
      new Option(
        "--clockless <action>",
        "devices that do not know the time: reject the offer, or install at once (default: reject)",
      ).choices(["reject", "install"]),
    )
    .option("--restart-spread <seconds>", "spread the restarts (default: 20 ms for each expected device)", atMostAnHour)
    .option(
      "--probation-max <seconds>",
      "longest probation while the broker does not answer (default: 900)",
      atMostAnHour,
    );
}

/**
 * Parses a time with its time zone.
 *
 * @returns The time in UTC, as offers state it.
 */
export function installTime(text: string): string {
  const form = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)$/;
  const utc = form.test(text) ? Date.parse(text) : Number.NaN;
  if (utc >= 0 && utc < Date.UTC(10_000, 0)) return `${new Date(utc).toISOString().slice(0, 19)}Z`;
  throw new InvalidArgumentError("It must be a time with its zone, such as 2026-03-01T02:00:00Z or ...+01:00.");
}

/** Parses a time of day, `HH:MM-HH:MM` in UTC, or with the offset of its clock from UTC behind it. */
export function maintenanceWindow(text: string): MaintenanceWindow {
  const [, from, to, sign, offset = "00:00"] = /^(\d\d:\d\d)-(\d\d:\d\d)(?:([+-])(\d\d:\d\d))?$/.exec(text) ?? [];
  const [start, end, ahead] = [minuteOf(from), minuteOf(to), minuteOf(offset)];
  if (start === undefined || end === undefined || ahead === undefined || ahead > 840) {
    throw new InvalidArgumentError("It must be a window such as 22:00-02:00, or 22:00-02:00+01:00.");
  }
  const minutes = ((end - start + 1439) % 1440) + 1;
  const offsetMinutes = sign === "-" ? -ahead : ahead;
  return { start_minute: start, minutes, ...(offsetMinutes === 0 ? {} : { offset_minutes: offsetMinutes }) };
}

function minuteOf(clock: string = ""): number | undefined {
  const [, hour, minute] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(clock) ?? [];
  return hour === undefined ? undefined : Number(hour) * 60 + Number(minute);
}

function atMostAnHour(text: string): number {
  const seconds = positiveNumber(text);
  if (seconds >= 1 && seconds <= 3_600) return seconds;
  throw new InvalidArgumentError("It must be a number of seconds from 1 to 3600.");
}
