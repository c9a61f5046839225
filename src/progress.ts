/** Told about every long operation; the command line draws it, libraries may ignore it. */
export interface Progress {
  /**
   * @param total  0 where it is not known
   * @param unit   what is counted, in the plural: "images", "steps"
   */
  start(title: string, total: number, unit: string): void;
  /** @param note  a short reading such as the current loss */
  update(done: number, note?: string): void;
  finish(note?: string): void;
}

export const silent: Progress = { start() {}, update() {}, finish() {} };
