export { addExamples, addOutputOptions } from "./help-text.ts";
export {
  baudRate,
  byteCount,
  oneOf,
  positiveInteger,
  positiveNumber,
  repeatable,
  wholeNumber,
} from "./option-values.ts";
export {
  type CommandDefinition,
  type DeclareCommand,
  type ProgramDefinition,
  type RunStep,
  runProgram,
} from "./run-program.ts";
