/** Where `offmap score` puts the maps of a segmentation network: raw scores as they come, heat maps once their range is known. */
import { basename, extname, join } from "node:path";
import { npyNumbers, readNpy, type Size, writeNpy } from "../../data/index.js";
import { CancelledError } from "../../errors.js";
import { writeFileAtomic } from "../../files.js";
import { encodePng, heatPicture } from "../../report/segmentation/index.js";
import { fileNames } from "../file-names.js";

/** The files of one image. */
export interface MapFiles extends Size {
  /** NPY, float32 [H, W]. */
  readonly scores: string;
  /** PNG. */
  readonly map: string;
}

export class HeatMaps {
  private readonly values = new ValueSample();
  private readonly written: MapFiles[] = [];
  private readonly names: readonly string[];

  /** @param places  of the images, by their number; the files are called as they are, without the endings */
  constructor(
    private readonly folder: string,
    places: readonly string[],
  ) {
    this.names = fileNames(places.map((place) => basename(place, extname(place))));
  }

  /** Everything that will be written. */
  get files(): readonly string[] {
    return this.names.flatMap((_, index) => Object.values(this.filesOf(index)));
  }

  private filesOf(index: number): Pick<MapFiles, "scores" | "map"> {
    const target = join(this.folder, this.names[index] as string);
    return { scores: `${target}.npy`, map: `${target}.png` };
  }

  /** Writes the raw scores of an image. */
  async add(index: number, map: Float32Array, { height, width }: Size): Promise<MapFiles> {
    const files = { height, width, ...this.filesOf(index) };
    await writeNpy(files.scores, map, [height, width]);
    this.values.add(map, width);
    this.written.push(files);
    return files;
  }

  /**
   * Draws all of them.
   *
   * @param asked  scores that are darkest and brightest; default: what 99 % of the pixels lie between
   * @returns the range that was taken
   * @throws CancelledError between two images, after a request to stop
   */
  async draw(asked: readonly [number, number] | undefined, signal: AbortSignal): Promise<readonly [number, number]> {
    const [low, high] = asked ?? this.values.range();
    for (const { scores, map, height, width } of this.written) {
      if (signal.aborted) throw new CancelledError({ problem: "stopped on request" });
      const array = await readNpy(scores);
      const steps = Uint8Array.from(
        npyNumbers(array),
        (value) => 255 * Math.min(1, Math.max(0, (value - low) / (high - low))),
      );
      await writeFileAtomic(map, await encodePng(heatPicture(steps, { height, width })));
    }
    return [low, high];
  }
}

/** Pixels of one image that the range of the colours is found from. */
const pixelsPerImage = 2000;

const greatestDivisor = (a: number, b: number): number => (b === 0 ? a : greatestDivisor(b, a % b));

/** Some scores of every image, evenly spread over it. */
class ValueSample {
  private readonly values: number[] = [];

  add(map: Float32Array, width: number): void {
    let step = Math.max(1, Math.floor(map.length / pixelsPerImage));
    // With a divisor in common the same few columns would come in every row.
    while (greatestDivisor(step, width) > 1) step++;
    for (let at = 0; at < map.length; at += step) this.values.push(map[at] as number);
  }

  /** Where the lowest and the highest 0.5 % begin. */
  range(): readonly [number, number] {
    const sorted = Float64Array.from(this.values).sort();
    const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] as number;
    const [low, high] = [at(0.005), at(0.995)];
    return low < high ? [low, high] : [low - 0.5, high + 0.5];
  }
}
