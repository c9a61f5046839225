/** Metrics of other protocols than all pixels of a set in one ranking, as tables of their own: their numbers do not compare. */
import type { PixelRow } from "../../benchmarks/segmentation/index.js";
import { percentage } from "../../report/format.js";
import type { ProtocolTable } from "../../report/segmentation/index.js";
import { inColumns } from "../columns.js";
import type { EvaluatedSegmenter } from "./evaluation.js";

/** Fractions, shown in percent, and counts after them. */
interface Numbers {
  readonly shares: readonly number[];
  readonly counts: readonly number[];
}

/** Tables of those protocols that were asked for and have a number. */
export function otherProtocols(models: readonly EvaluatedSegmenter[]): ProtocolTable[] {
  const lines = (of: (row: PixelRow) => Numbers | undefined) =>
    models.flatMap(({ name, ood }) =>
      ood.flatMap(({ set, rows }) =>
        rows.flatMap((row) => {
          const found = of(row);
          if (found === undefined) return [];
          return [[name, row.score, set, ...found.shares.map(percentage), ...found.counts.map(String)]];
        }),
      ),
    );
  const perImage = lines(
    ({ per_image: mean }) =>
      mean && { shares: [mean.auroc, mean.aupr, mean.fpr95], counts: [mean.n_images, mean.n_left_out] },
  );
  const components = lines(
    ({ components: found }) =>
      found && { shares: [found.siou, found.ppv, found.f1_mean], counts: [found.n_components, found.n_predicted] },
  );
  const key = ["model", "score", "set"];
  return [
    {
      title: "Means over images, each ranked by itself, in percent; images whose pixels are of one kind are left out",
      head: [...key, "AUROC ↑", "AUPR ↑", "FPR95 ↓", "images", "left out"],
      rows: perImage,
    },
    {
      title:
        "Objects found, in percent (sIoU, PPV and F1* of SegmentMeIfYouCan), at each score's threshold with the best F1 of pixels",
      head: [...key, "sIoU ↑", "PPV ↑", "F1* ↑", "objects", "predicted"],
      rows: components,
    },
  ].filter(({ rows }) => rows.length > 0);
}

/** One of them for a terminal. */
export function protocolText({ title, head, rows }: ProtocolTable): string[] {
  return [
    `${title}:`,
    ...inColumns(
      [head, ...rows],
      head.map((_, index) => (index < 3 ? "left" : "right")),
    ),
  ];
}
