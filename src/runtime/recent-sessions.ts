import type { Engine, Session } from "./types.js";

/** Sessions of models that are made when they are wanted, for example for every size of images; those of the last few are kept. */
export class RecentSessions {
  private readonly sessions = new Map<string, Session>();

  /** @param most  how many are kept, as each may hold the whole model; default 4 */
  constructor(
    private readonly engine: Engine,
    private readonly most = 4,
  ) {}

  /**
   * Not to be called again before it has answered.
   *
   * @param make  the bytes of the model, where its session is not kept
   */
  async get(key: string, make: () => Uint8Array): Promise<Session> {
    const known = this.sessions.get(key);
    if (known !== undefined) {
      // Behind all others, as the one that was used last.
      this.sessions.delete(key);
      this.sessions.set(key, known);
      return known;
    }
    const [oldest] = this.sessions;
    if (this.sessions.size >= this.most && oldest !== undefined) {
      this.sessions.delete(oldest[0]);
      await oldest[1].release();
    }
    const session = await this.engine.load(make());
    this.sessions.set(key, session);
    return session;
  }

  async close(): Promise<void> {
    for (const session of this.sessions.values()) await session.release();
    this.sessions.clear();
  }
}
