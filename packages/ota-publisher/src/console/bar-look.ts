/** Options of cli-progress for every progress bar. */
export const BAR_LOOK = {
  format: "{bar} {percentage}% {text}",
  barsize: 24,
  barCompleteChar: "█",
  barIncompleteChar: "░",
  hideCursor: true,
  clearOnComplete: false,
  stopOnComplete: false,
  // The command handles Ctrl-C itself.
  gracefulExit: false,
  // Truncate long lines: wrapped lines can't be redrawn.
  linewrap: false,
} as const;
