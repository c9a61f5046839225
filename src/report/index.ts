/** Results as HTML, SVG, Markdown, CSV, JSON and text. */
export {
  type BarChartOptions,
  barChart,
  type HistogramChartOptions,
  histogramChart,
  type LineChartOptions,
  lineChart,
  standaloneSvg,
} from "./chart/index.js";
export { averageOf, type Comparison, compare } from "./comparison.js";
export { renderCsv } from "./csv.js";
export { renderReport } from "./html.js";
export { renderJson } from "./json.js";
export { type MarkdownTableOptions, renderMarkdownTable } from "./markdown.js";
export { priorChart, renderPriorChart } from "./prior-chart.js";
export * from "./segmentation/index.js";
export { renderTextTable, type TextTableOptions, wantsColor } from "./text-table.js";
export type {
  DetectionCurves,
  DetectionRow,
  MetricValue,
  Mistake,
  ModelResult,
  Report,
  ReportImage,
  ReportPrior,
  TrainingPoint,
} from "./types.js";
export { writeReport } from "./write.js";
