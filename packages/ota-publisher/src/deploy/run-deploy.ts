import { type CommandOutput, ExitCode, type OutputOptions } from "@tinybms/cli-kit/output";
import { deploy } from "./deploy.ts";
import { createDeployReporter } from "./deploy-report.ts";
import type { DeployOptions } from "./ways/deploy-options.ts";

/**
 * Runs `tinybms-ota deploy`.
 *
 * @returns The exit code; what went wrong once deliveries ran is in the document, and told.
 * @throws OtaError for what is wrong before: arguments, manifests, files. It repeats no credential.
 */
export async function runDeploy(options: DeployOptions & OutputOptions, output: CommandOutput): Promise<number> {
  try {
    const document = await deploy(options, output, createDeployReporter(options, output));
    output.printJson(document);
    if (document.error === undefined) return ExitCode.done;
    return document.error.code === "delivery/interrupted" ? ExitCode.interrupted : ExitCode.failed;
  } catch (error) {
    throw output.clean(error);
  }
}
