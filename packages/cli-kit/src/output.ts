export { CommandOutput, type CommandWorld, type OutputOptions, printable, type TextStream } from "./command-output.ts";
export { ExitCode, exitCodeOf } from "./exit-code.ts";
export { fitLine } from "./fit-line.ts";
export { sizeText } from "./size-text.ts";
export { type ColumnAlignment, tableLines } from "./table.ts";
export { TransferRate } from "./transfer-rate.ts";
