import { coordinate, type Markup, markup } from "../markup.js";
import { type MarkerShape, paint, type Role } from "./palette.js";

const size = 3.4;

/** A marker of a series, centred on a point. */
export function marker(shape: MarkerShape, x: number, y: number, role: Role): Markup {
  const filled = paint({ fill: role });
  const stroked = paint({ stroke: role });
  const path = (...points: readonly (readonly [number, number])[]) =>
    points
      .map(([dx, dy], index) => `${index === 0 ? "M" : "L"}${coordinate(x + dx * size)} ${coordinate(y + dy * size)}`)
      .join("");
  switch (shape) {
    case "circle":
      return markup`<circle cx="${x}" cy="${y}" r="${size * 0.9}" ${filled}/>`;
    case "ring":
      return markup`<circle cx="${x}" cy="${y}" r="${size}" ${stroked} stroke-width="1.4"/>`;
    case "square":
      return markup`<path d="${path([-0.85, -0.85], [0.85, -0.85], [0.85, 0.85], [-0.85, 0.85])}Z" ${filled}/>`;
    case "triangle":
      return markup`<path d="${path([0, -1.15], [1.1, 0.85], [-1.1, 0.85])}Z" ${filled}/>`;
    case "wedge":
      return markup`<path d="${path([0, 1.15], [1.1, -0.85], [-1.1, -0.85])}Z" ${filled}/>`;
    case "diamond":
      return markup`<path d="${path([0, -1.25], [1.15, 0], [0, 1.25], [-1.15, 0])}Z" ${filled}/>`;
    case "plus":
      return markup`<path d="${path([-1.1, 0], [1.1, 0])}${path([0, -1.1], [0, 1.1])}" ${stroked} stroke-width="1.8"/>`;
    case "cross":
      return markup`<path d="${path([-0.9, -0.9], [0.9, 0.9])}${path([-0.9, 0.9], [0.9, -0.9])}" ${stroked} stroke-width="1.8"/>`;
  }
}
