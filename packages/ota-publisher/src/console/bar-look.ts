/** How every bar looks and behaves, in the words of cli-progress. */
export const BAR_LOOK = {
  format: "{bar} {percentage}% {text}",
  barsize: 24,
  barCompleteChar: "█",
  barIncompleteChar: "░",
  hideCursor: true,
  clearOnComplete: false,
  stopOnComplete: false,
  // Ctrl-C is the command's to handle.
  gracefulExit: false,
  // A line that is too long is cut, not wrapped: wrapped ones can't be redrawn.
  linewrap: false,
} as const;
