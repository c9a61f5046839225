import type { OutputStream } from "./host.js";

export interface SharedStream {
  /** For progress, which leaves a line open and draws it anew. */
  readonly progress: OutputStream;
  /** For sentences: they take the place of an open line, which progress draws again below. */
  readonly sentences: OutputStream;
}

/** One stream for both. */
export function shareStream(stream: OutputStream): SharedStream {
  let isOpen = false;
  const { isTerminal, columns } = stream;
  return {
    progress: {
      isTerminal,
      columns,
      write(text) {
        isOpen = !text.endsWith("\n");
        return stream.write(text);
      },
    },
    sentences: {
      isTerminal,
      columns,
      write(text) {
        const start = isOpen ? "\r\x1b[K" : "";
        isOpen = false;
        return stream.write(`${start}${text}`);
      },
    },
  };
}
