/** Metrics of other protocols than all pixels of a set in one ranking, as tables of their own: their numbers do not compare. */
import { percentage } from "../../report/format.js";
import type { ProtocolTable } from "../../report/segmentation/index.js";
import type { EvaluatedSegmenter } from "./evaluation.js";

/** Tables of those protocols that were asked for and have a number. */
export function otherProtocols(models: readonly EvaluatedSegmenter[]): ProtocolTable[] {
  const rows = models.flatMap(({ name, ood }) =>
    ood.flatMap(({ set, rows: own }) => own.map((row) => ({ ...row, who: [name, row.score, set] as const }))),
  );
  const perImage = rows.flatMap(({ who, per_image: mean }) =>
    mean === undefined
      ? []
      : [
          [
            ...who,
            ...[mean.auroc, mean.aupr, mean.fpr95].map(percentage),
            String(mean.n_images),
            String(mean.n_left_out),
          ],
        ],
  );
  const components = rows.flatMap(({ who, components: found }) =>
    found === undefined
      ? []
      : [
          [
            ...who,
            ...[found.siou, found.ppv, found.f1_mean].map(percentage),
            String(found.n_components),
            String(found.n_predicted),
          ],
        ],
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
  ].filter(({ rows: lines }) => lines.length > 0);
}
