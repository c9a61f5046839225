/** The frame of a report: one HTML file that needs nothing else. */
import { type Markup, markup, trusted } from "./markup.js";
import { stylesheet } from "./style.js";

export interface Section {
  /** Unique in the page. */
  readonly id: string;
  readonly title: string;
  readonly content: Markup;
}

export interface Page {
  readonly title: string;
  /** What was done, and what came of it. */
  readonly lead: string;
  readonly protocol: string;
  readonly sections: readonly Section[];
  /** Rules that only this page needs, after those of all reports. */
  readonly style?: string;
}

/** No network, no scripts, images and charts inside; the same page gives the same bytes. */
export function renderPage({ title, lead, protocol, sections, style = "" }: Page): string {
  return markup`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>${title}</title>
<style>${trusted(stylesheet + style)}</style>
</head>
<body>
<header>
<h1>${title}</h1>
<p class="lead">${lead}</p>
<p class="protocol">${protocol}</p>
<nav aria-label="Contents"><ul>${sections.map(({ id, title: heading }) => markup`<li><a href="#${id}">${heading}</a></li>`)}</ul></nav>
</header>
<main>
${sections.map(({ id, title: heading, content }) => markup`<section id="${id}" aria-labelledby="${id}-heading"><h2 id="${id}-heading">${heading}</h2>${content}</section>\n`)}</main>
</body>
</html>
`.text;
}
