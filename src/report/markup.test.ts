import fc from "fast-check";
import { expect, test } from "vitest";
import { escapeMarkup, markup, trusted } from "./markup.js";

test("text put into a template cannot open a tag, close an attribute or start an entity", () => {
  const hostile = `<script>alert("1")</script> & 'quoted' &lt;`;
  expect(markup`<p title="${hostile}">${hostile}</p>`.text).toBe(
    '<p title="&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;quoted&#39; &amp;lt;">' +
      "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;quoted&#39; &amp;lt;</p>",
  );
});

test("markup inside markup is not escaped twice, lists are joined, undefined is nothing", () => {
  const items = ["a<b", "c"].map((item) => markup`<li>${item}</li>`);
  expect(markup`<ul>${items}${undefined}${trusted("<!-- own -->")}</ul>`.text).toBe(
    "<ul><li>a&lt;b</li><li>c</li><!-- own --></ul>",
  );
});

test("coordinates keep two decimals and never say -0", () => {
  expect(markup`${1 / 3} ${-0.001} ${12} ${1e-9}`.text).toBe("0.33 0 12 0");
});

test("whatever the text, what comes out holds only characters that XML 1.0 allows", () => {
  const xmlCharacters = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u;
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.integer({ min: 0xd800, max: 0xdfff }), (text, surrogate) => {
      const escaped = escapeMarkup(text + String.fromCharCode(surrogate));
      return xmlCharacters.test(escaped) && !/[<>"']/.test(escaped);
    }),
  );
  expect(escapeMarkup("a\u0000b\ud800c\u{1f41f}")).toBe("a\ufffdb\ufffdc\u{1f41f}");
});
