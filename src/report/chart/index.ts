export type { Axis } from "./axes.js";
export { type BarChartOptions, barChart, mostNamedBars } from "./bar-chart.js";
export { type ChartText, standaloneSvg } from "./frame.js";
export { type HistogramChartOptions, type HistogramSeries, histogramChart } from "./histogram-chart.js";
export { type LineChartOptions, lineChart, type Point, type Series } from "./line-chart.js";
export { darkRules, paper, type SeriesStyle, seriesStyle, type Tone, tones } from "./palette.js";
export { type RankChartOptions, rankChart } from "./rank-chart.js";
export { type Domain, extent, niceDomain } from "./scale.js";
