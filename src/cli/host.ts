/** Where output goes: the process's streams, or memory in tests. */
export interface OutputStream {
  readonly isTerminal: boolean;
  /** Width of the terminal in characters; undefined when it is not one. */
  readonly columns: number | undefined;
  /** Resolves when the text is out; rejects when it cannot be written. */
  write(text: string): Promise<void>;
}

/** What the command line gets from its surroundings. */
export interface Host {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Aborted when the user asks to stop. */
  readonly signal: AbortSignal;
}

export function processHost(signal: AbortSignal): Host {
  return {
    stdout: outputStream(process.stdout),
    stderr: outputStream(process.stderr),
    environment: process.env,
    signal,
  };
}

function outputStream(stream: NodeJS.WriteStream): OutputStream {
  // A failed write is reported by the callback below; without a listener the event would end the process first.
  stream.on("error", () => undefined);
  return {
    isTerminal: stream.isTTY === true,
    // A terminal of a size nobody knows says that it has 0.
    columns: stream.columns || undefined,
    write: (text) =>
      new Promise((resolve, reject) => {
        stream.write(text, (error) => (error == null ? resolve() : reject(error)));
      }),
  };
}
