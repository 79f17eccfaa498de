import { type CommandOutput, ExitCode, type OutputOptions, tableLines } from "@tinybms/cli-kit/output";
import { type BrokerCheck, checkBroker } from "../broker-check/check-broker.ts";
import { type BrokerAddress, parseBrokerUrl } from "../mqtt/broker-url.ts";
import { assertNotExposed } from "../network/exposure.ts";

/** Options of `tinybms-ota broker-check`, as commander parses them. */
export interface BrokerCheckCommandOptions extends OutputOptions {
  readonly topic: string;
  readonly deviceBroker?: string;
  /** Time limit for each answer of the broker, in seconds. */
  readonly timeout: number;
  readonly allowInsecure?: boolean;
}

/**
 * Checks that a broker does what the delivery protocol relies on, and prints which settings to change.
 *
 * @param url - The broker's URL.
 * @returns The exit code: 0 if every probe passed, else 1.
 * @throws {@link OtaError} `arguments/invalid`, `arguments/insecure`, `delivery/broker-unreachable`,
 *   `delivery/broker-refused`. The error contains no credential.
 */
export async function runBrokerCheck(
  url: string,
  options: BrokerCheckCommandOptions,
  output: CommandOutput,
): Promise<number> {
  const { topic: topicRoot, timeout, deviceBroker } = options;
  const broker = readAddress(url, options, output);
  const check = await checkBroker({
    broker,
    deviceBroker: deviceBroker === undefined ? undefined : readAddress(deviceBroker, options, output),
    topicRoot,
    waitMs: timeout * 1000,
    signal: output.world.signal,
  });
  output.printJson(check);
  if (!output.quiet) for (const line of linesOf(check)) output.print(line);
  return check.passed ? ExitCode.done : ExitCode.failed;
}

function readAddress(url: string, { allowInsecure }: BrokerCheckCommandOptions, output: CommandOutput): BrokerAddress {
  const address = parseBrokerUrl(url);
  const { protocol: scheme, host, password } = address;
  const secrets = password === undefined ? [] : [{ kind: "the password of its URL" }];
  if (password !== undefined) output.hide([password]);
  const isEncrypted = scheme === "mqtts" || scheme === "wss";
  const exposure = { channel: "mqtt", scheme, host, isEncrypted, uncheckedBy: undefined, secrets } as const;
  for (const warning of assertNotExposed(exposure, allowInsecure === true)) output.warn(warning);
  return address;
}

function linesOf({ broker, topicRoot, probes, passed }: BrokerCheck): readonly string[] {
  const rows = probes.map(({ name, passed: isPassed, found }) => [name, isPassed ? "ok" : "FAILED", found]);
  const advice = probes.flatMap(({ name, need, advice: how }) =>
    how === undefined ? [] : ["", `${name}: ${need}.`, `  ${how.replaceAll(" T/", ` ${topicRoot}/`)}`],
  );
  const end = passed
    ? `${broker} does what a delivery needs`
    : `${broker} does not do what a delivery needs: see above`;
  return [...tableLines(["probe", "", "found"], rows), ...advice, "", end];
}
