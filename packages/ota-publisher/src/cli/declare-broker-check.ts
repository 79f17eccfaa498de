import type { DeclareCommand } from "@tinybms/cli-kit";
import { addExamples, positiveNumber } from "@tinybms/cli-kit";
import type { BrokerCheckCommandOptions } from "../commands/broker-check.ts";

/** Declares `tinybms-ota broker-check`. */
export const declareBrokerCheck: DeclareCommand = (command, run) => {
  command
    .argument("<url>", "the broker: mqtt://HOST:PORT, mqtts://, ws:// or wss://")
    .optionsGroup("Check:")
    .option("--topic <root>", "topic root to check access control below", "tinybms/broker-check")
    .option("--device-broker <url>", "the broker with the credentials of a device (default: the same URL)")
    .option("--timeout <seconds>", "time limit of each answer", positiveNumber, 5)
    .option("--allow-insecure", "allow credentials without encryption")
    .action((url: string, options: BrokerCheckCommandOptions) =>
      run(async (given: BrokerCheckCommandOptions, output) => {
        const { runBrokerCheck } = await import("../commands/broker-check.ts");
        return runBrokerCheck(url, given, output);
      })(options),
    );
  addExamples(
    command,
    "tinybms-ota broker-check mqtt://localhost:1883",
    "tinybms-ota broker-check mqtts://broker.example --topic tinybms/gateway/ota",
  );
};
