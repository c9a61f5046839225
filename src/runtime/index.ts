export { blockSize } from "./block-size.js";
export { createEngine, devices, whyUnavailable } from "./devices.js";
export { LocalEngine } from "./local-engine.js";
export { type Profile, profileModel } from "./profile.js";
export type { NodeTiming } from "./profile-events.js";
export { RecentSessions } from "./recent-sessions.js";
export { sessionBytes } from "./session-bytes.js";
export type { Device, Engine, EngineOptions, Feeds, LoadOptions, Session } from "./types.js";
