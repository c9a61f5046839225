import { scores } from "../../../scores/index.js";
import { temperatureScalingScore } from "../../../scores/temperature-scaling.js";
import { definePixelScore } from "./types.js";

/** {@link temperatureScalingScore} of every pixel; the temperature is found from pixels drawn evenly from all images. */
export const pixelTemperatureScore = definePixelScore({
  ...{ name: "temperature-scaling", title: temperatureScalingScore.title, source: temperatureScalingScore.source },
  uses: [],
  reads: ["labelled"],
  defaults: {},
  fit({ labelled }, options) {
    const [classes, dimension] = [labelled.logits.length / Math.max(1, labelled.count), 0];
    const head = { weight: new Float32Array(0), bias: new Float32Array(0), classes, dimension };
    return temperatureScalingScore.fit?.({ sample: labelled, head }, options) ?? {};
  },
  expression: ({ logits }, options, fitted) => scores["temperature-scaling"].expression({ logits }, options, fitted),
});
