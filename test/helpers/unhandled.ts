/** Runs a task, and gives the reasons of the rejections that nobody handled meanwhile. */
export async function unhandledIn(task: () => Promise<void>): Promise<readonly unknown[]> {
  // The test runner has a listener too, and takes what it hears for a failure.
  const others = process.rawListeners('unhandledRejection');
  const heard: unknown[] = [];
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', (reason) => heard.push(reason));
  try {
    await task();
    await new Promise(setImmediate);
  } finally {
    process.removeAllListeners('unhandledRejection');
    for (const other of others) process.on('unhandledRejection', other as () => void);
  }
  return heard;
}
