// The peer ends with the process that started it, however that one ends.
process.stdin.on("end", () => process.exit(0)).resume();
