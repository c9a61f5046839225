/** Colours of classes and of anomaly maps. */

export type Rgb = readonly [red: number, green: number, blue: number];

/** Anomalies in label pictures. */
export const anomalyColour: Rgb = [255, 255, 255];
/** In label pictures of sets whose labels tell no classes: what is no anomaly. */
export const knownColour: Rgb = [150, 150, 150];
/** Void in label pictures. */
export const voidColour: Rgb = [0, 0, 0];
/** Outline of labelled anomalies in anomaly maps. */
export const outlineColour: Rgb = [0, 220, 255];

/** Colours that readers of the field know: those of Cityscapes, and the nearest of CamVid's names. */
const known: Readonly<Record<string, Rgb>> = {
  road: [128, 64, 128],
  sidewalk: [244, 35, 232],
  pavement: [244, 35, 232],
  building: [70, 70, 70],
  wall: [102, 102, 156],
  fence: [190, 153, 153],
  pole: [153, 153, 153],
  "traffic light": [250, 170, 30],
  "traffic sign": [220, 220, 0],
  sign: [220, 220, 0],
  vegetation: [107, 142, 35],
  tree: [107, 142, 35],
  terrain: [152, 251, 152],
  sky: [70, 130, 180],
  person: [220, 20, 60],
  pedestrian: [220, 20, 60],
  rider: [255, 0, 0],
  bicyclist: [255, 0, 0],
  car: [0, 0, 142],
  truck: [0, 0, 70],
  bus: [0, 60, 100],
  train: [0, 80, 100],
  motorcycle: [0, 0, 230],
  bicycle: [119, 11, 32],
};

/** Turn that spreads any number of hues. */
const goldenAngle = 137.508;

/** A colour for each class: the known one of its name, else one of its place. */
export function classColours(names: readonly string[]): Rgb[] {
  return names.map((name, index) => known[name.toLowerCase()] ?? fromHue((index * goldenAngle) % 360));
}

/** A colour of full saturation and medium lightness. */
function fromHue(hue: number): Rgb {
  const channel = (shift: number) => {
    const place = (shift + hue / 30) % 12;
    return Math.round(255 * (0.55 - 0.4 * Math.max(-1, Math.min(place - 3, 9 - place, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}

/** Matplotlib's inferno at nine even places: lightness rises evenly, also for those who see no red or green. */
const inferno: readonly Rgb[] = [
  [0, 0, 4],
  [31, 12, 72],
  [85, 15, 109],
  [136, 34, 106],
  [186, 54, 85],
  [227, 89, 51],
  [249, 140, 10],
  [249, 201, 50],
  [252, 255, 164],
];

/** 256 colours from dark to bright. */
export const heatColours: readonly Rgb[] = Array.from({ length: 256 }, (_, step) => {
  const place = (step / 255) * (inferno.length - 1);
  const below = Math.min(inferno.length - 2, Math.floor(place));
  const [from, to] = [inferno[below] as Rgb, inferno[below + 1] as Rgb];
  const mix = (channel: 0 | 1 | 2) => Math.round(from[channel] + (place - below) * (to[channel] - from[channel]));
  return [mix(0), mix(1), mix(2)];
});

/** `#rrggbb` */
export const hexOf = (colour: Rgb): string =>
  `#${colour.map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;
