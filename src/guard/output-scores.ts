/** Names of the scores of further outputs, which only networks made for them have; `output-part.ts` has what they are. */
export const outputScoreNames = ["abstention", "calibrated-abstention", "deconf-cosine"] as const;

export type OutputScoreName = (typeof outputScoreNames)[number];

export const isOutputScore = (name: string): name is OutputScoreName =>
  (outputScoreNames as readonly string[]).includes(name);
