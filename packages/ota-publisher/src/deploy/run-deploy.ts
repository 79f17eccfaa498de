import { type CommandOutput, ExitCode, type OutputOptions } from "@tinybms/cli-kit/output";
import { deploy } from "./deploy.ts";
import { createDeployReporter } from "./deploy-report.ts";
import type { DeployOptions } from "./ways/deploy-options.ts";

/**
 * Runs `tinybms-ota deploy`.
 *
 * @returns The exit code. Errors of deliveries are printed and are in the document.
 * @throws {@link OtaError} Errors before the deliveries, in arguments, manifests or files. They contain no credential.
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
