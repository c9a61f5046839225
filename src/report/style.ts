import { darkRules, paper, type Tone, tones } from "./chart/index.js";

/** Colours of the page beside those of the charts. Text colours have a contrast of at least 4.5:1 on the grounds they stand on. */
export const pageTones = {
  paper,
  ink: tones.ink,
  muted: tones.muted,
  rule: { light: "#d5d9de", dark: "#353c45" },
  shade: { light: "#f5f6f8", dark: "#1c2025" },
  link: { light: "#00558a", dark: "#7cc4f5" },
  better: { light: "#005a8f", dark: "#74c0f2" },
  worse: { light: "#9a3b00", dark: "#ffab75" },
  worseGround: { light: "#fdeee3", dark: "#3a2415" },
} satisfies Record<string, Tone>;

const variables = (theme: keyof Tone) =>
  Object.entries(pageTones)
    .map(([name, tone]) => `--${name}:${tone[theme]}`)
    .join(";");

/** The stylesheet of the report. Dark is for screens only: paper stays white. */
export const stylesheet = `
:root{color-scheme:light;${variables("light")}}
@media screen and (prefers-color-scheme:dark){:root{color-scheme:dark;${variables("dark")}}${darkRules}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%;scroll-behavior:smooth}
body{margin:0;background:var(--paper);color:var(--ink);font:17px/1.55 Charter,"Bitstream Charter","Iowan Old Style","Palatino Linotype",Palatino,"Source Serif 4",Cambria,Georgia,serif;overflow-wrap:break-word}
header,main{max-width:1120px;margin:0 auto;padding:0 28px}
header{padding-top:52px}
h1{font-size:34px;line-height:1.18;letter-spacing:-.012em;font-weight:600;margin:0 0 18px;text-wrap:balance}
h2{font-size:23px;line-height:1.25;letter-spacing:-.006em;font-weight:600;margin:0 0 6px}
h3{font-size:16px;line-height:1.35;font-weight:600;margin:26px 0 8px}
p{margin:0 0 10px;max-width:72ch;text-wrap:pretty}
a{color:var(--link);text-underline-offset:.16em;text-decoration-thickness:1px}
:focus-visible{outline:2px solid var(--link);outline-offset:2px}
.lead{font-size:20px;line-height:1.5;max-width:68ch;margin-bottom:14px}
.protocol,.explain,figcaption,caption,.key{color:var(--muted);font-size:15px;line-height:1.5}
.protocol,.explain,.key{max-width:92ch}
nav{font:14px/1.4 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;border-block:1px solid var(--rule);margin-top:24px;padding:9px 0}
nav ul{display:flex;flex-wrap:wrap;gap:4px 22px;margin:0;padding:0;list-style:none}
nav a{text-decoration:none}
nav a:hover{text-decoration:underline}
section{margin-top:48px}
.scroll{overflow-x:auto;margin:14px 0 8px}
.key+.scroll,.scroll+.scroll{margin-top:30px}
table,dl,.mistakes{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
table{border-collapse:collapse;font-size:14px;line-height:1.3;font-variant-numeric:tabular-nums lining-nums;border-block:1.5px solid var(--ink)}
table.full{width:100%}
caption{text-align:left;caption-side:top;padding-bottom:8px;font-family:Charter,"Bitstream Charter","Iowan Old Style","Palatino Linotype",Palatino,"Source Serif 4",Cambria,Georgia,serif}
caption span.line{display:block;position:sticky;left:0;max-width:min(92ch,calc(100vw - 32px))}
th,td{padding:6px 10px;vertical-align:top;text-align:right;font-weight:400}
thead th{vertical-align:bottom;font-weight:600;border-bottom:1px solid var(--ink);overflow-wrap:break-word;min-width:74px;max-width:112px}
thead th.text{min-width:0}
th[scope=row],th.text,td.text{text-align:left}
th[scope=row]{overflow-wrap:anywhere;min-width:116px;max-width:260px;position:sticky;left:0;background:var(--paper)}
thead th.text:first-child{position:sticky;left:0;background:var(--paper)}
tbody.metric tr:first-child th{text-align:left;font-weight:600;padding-top:14px;position:static}
tbody.metric+tbody.metric{border-top:1px solid var(--rule)}
tbody.metric:nth-of-type(1) tr:first-child th{padding-top:9px}
.average{background:var(--shade)}
tr.next>*{border-top:1px solid var(--rule)}
strong{font-weight:700}
small{display:block;font-size:12px;white-space:nowrap;color:var(--muted)}
small.better{color:var(--better)}
small.worse{color:var(--worse);font-weight:600}
@media screen{.wide th,.wide td{padding-inline:6px}.wide small{font-size:11px}}
td.worse{background:var(--worseGround)}
.key .worse{color:var(--worse);background:var(--worseGround);padding:0 5px}
.key .better{color:var(--better)}
.sr{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
figure{margin:0}
figcaption{max-width:80ch;margin-top:4px}
.panels{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,var(--panel)),1fr));gap:22px 26px;align-items:end;margin:10px 0 6px}
svg.chart{display:block;max-width:100%;height:auto}
.mistakes{list-style:none;margin:8px 0 0;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(76px,1fr));gap:16px 12px;font-size:13px;line-height:1.35}
.mistakes img{display:block;width:100%;height:auto;aspect-ratio:1;object-fit:contain;image-rendering:pixelated;background:var(--shade);margin-bottom:5px}
.mistakes li{overflow-wrap:anywhere}
.mistakes small{white-space:normal}
dl{display:grid;grid-template-columns:minmax(120px,max-content) 1fr;gap:5px 22px;font-size:14px;line-height:1.45;margin:12px 0 0}
dt{color:var(--muted)}
dd{margin:0;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
.notes{padding-left:1.2em;margin:14px 0 0;max-width:72ch}
.notes li{margin-bottom:5px}
main{padding-bottom:56px}
@media (max-width:560px){body{font-size:16px}header,main{padding-inline:16px}header{padding-top:30px}h1{font-size:27px}.lead{font-size:18px}section{margin-top:38px}th,td{padding:6px 8px}th[scope=row]{min-width:96px;max-width:132px}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:8px}}
@media screen and (min-width:1240px){.wide{margin-inline:calc((1064px - min(100vw - 72px,1340px))/2)}}
@media print{
@page{size:A4;margin:15mm 14mm}
@page wide{size:A4 landscape}
html{scroll-behavior:auto}
body{font-size:10pt}
header,main{max-width:none;padding:0}
h1{font-size:20pt}h2{font-size:14pt}h3{font-size:11pt;margin-top:14pt}.lead{font-size:11.5pt}
.protocol,.explain,figcaption,caption,.key{font-size:9pt}
nav{display:none}
section{margin-top:20pt}
h2,h3,caption,.explain{break-after:avoid}
figure,tr,svg,.mistakes li,dl{break-inside:avoid}
thead{display:table-header-group}
.scroll{overflow:visible}
table{font-size:8.5pt}small{font-size:7pt}th,td{padding:3pt 4pt}
thead th{min-width:0}th[scope=row]{min-width:58pt;position:static}
.wide{page:wide}
.wide table{font-size:7.5pt}.wide small{font-size:6pt}
.panels{gap:10pt 12pt;grid-template-columns:repeat(var(--across),1fr)}
.mistakes{grid-template-columns:repeat(12,1fr);gap:6pt;font-size:6.5pt}
.average,td.worse,.mistakes img{print-color-adjust:exact;-webkit-print-color-adjust:exact}
a{color:inherit;text-decoration:none}
}
`;
