// <carewire-list>: items of a Carewire network on another site. Version 1.
//
//   <script src="https://NETWORK/embed/carewire-list-1.js" integrity="…" crossorigin="anonymous" defer></script>
//   <carewire-list condition="D003920" language="es" count="5"></carewire-list>
//
// Attributes: `channel` (a channel's short name), or any of `condition`, `topic`, `language`, `kind`, `organization`, `level`,
// `audience`, `q`; `count` (1 to 20, 5 by default); `heading`. Style: --carewire-accent, --carewire-text, --carewire-quiet,
// --carewire-line, --carewire-font, --carewire-gap, and the parts `list`, `item`, `title`, `meta`, `summary`.
//
// It sends no cookie, keeps nothing, and writes nothing but text into the page. Under a Content-Security-Policy it needs the
// network in script-src and connect-src, and nothing for styles.
(() => {
  "use strict";
  const script = document.currentScript;
  const network = script ? new URL("../", script.src).href : new URL("/", location.href).href;
  const filters = ["condition", "topic", "language", "kind", "organization", "level", "audience", "q"];
  const css = `
    :host { display: block; font: var(--carewire-font, inherit); color: var(--carewire-text, inherit); }
    [part=heading] { font-size: 1.15em; margin: 0 0 .6em; }
    ul { list-style: none; margin: 0; padding: 0; display: grid; gap: var(--carewire-gap, .9em); }
    li { border-top: 1px solid var(--carewire-line, color-mix(in srgb, currentColor 20%, transparent)); padding-top: .7em; }
    a { color: var(--carewire-accent, #0b6463); text-underline-offset: .18em; overflow-wrap: anywhere; }
    a:focus-visible { outline: 3px solid currentColor; outline-offset: 2px; }
    p { margin: .25em 0 0; }
    [part=meta], [part=note] { font-size: .875em; color: var(--carewire-quiet, inherit); }
    [part=summary] { font-size: .95em; }`;
  let sheet = null;
  try {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
  } catch (error) {
    // Without constructable style sheets it is shown plainly.
    sheet = null;
  }

  const make = (name, part, text) => {
    const element = document.createElement(name);
    if (part) element.setAttribute("part", part);
    if (text) element.textContent = text;
    return element;
  };
  const safe = (address) => {
    try {
      const url = new URL(address);
      return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
    } catch (error) {
      return null;
    }
  };

  class CarewireList extends HTMLElement {
    static observedAttributes = [...filters, "channel", "count", "heading"];

    connectedCallback() {
      if (!this.shadowRoot) {
        this.attachShadow({ mode: "open" });
        if (sheet) this.shadowRoot.adoptedStyleSheets = [sheet];
      }
      this.plan();
    }

    disconnectedCallback() {
      this.asking?.abort();
    }

    attributeChangedCallback() {
      if (this.isConnected && this.shadowRoot) this.plan();
    }

    // Several attributes set at once are one question.
    plan() {
      clearTimeout(this.planned);
      this.planned = setTimeout(() => this.load(), 0);
    }

    get address() {
      const channel = this.getAttribute("channel");
      if (channel) return `${network}feeds/channels/${encodeURIComponent(channel)}.json`;
      const asked = new URLSearchParams();
      for (const name of filters) {
        const value = this.getAttribute(name);
        if (value) asked.append(name, value);
      }
      const query = asked.toString();
      return query ? `${network}feeds/search.json?${query}` : `${network}feeds/all.json`;
    }

    async load() {
      this.asking?.abort();
      const asking = (this.asking = new AbortController());
      this.setAttribute("aria-busy", "true");
      try {
        const options = { credentials: "omit", referrerPolicy: "no-referrer", signal: asking.signal };
        const answer = await fetch(this.address, options);
        if (!answer.ok) throw new Error(`${answer.status}`);
        this.show(await answer.json());
      } catch (error) {
        if (error.name === "AbortError") return;
        this.shadowRoot.replaceChildren(make("p", "note", "This list cannot be shown right now."));
      }
      this.removeAttribute("aria-busy");
    }

    show(feed) {
      const count = Math.min(Math.max(Number.parseInt(this.getAttribute("count") ?? "5", 10) || 5, 1), 20);
      const parts = [];
      const heading = this.getAttribute("heading");
      if (heading) parts.push(make("h2", "heading", heading));
      const list = make("ul", "list");
      list.setAttribute("role", "list");
      for (const item of feed.items.slice(0, count)) list.append(this.item(item));
      parts.push(list.children.length > 0 ? list : make("p", "note", "Nothing is here yet."));
      this.shadowRoot.replaceChildren(...parts);
    }

    item(item) {
      const entry = make("li", "item");
      if (item.language) entry.lang = item.language;
      entry.dir = "auto";
      const address = safe(item.url);
      const title = make(address ? "a" : "span", "title", item.title);
      if (address) {
        title.href = address;
        title.rel = "noopener noreferrer";
      }
      const source = item._carewire?.sources?.[0]?.name ?? "";
      const day = new Date(item.date_published);
      const shown = Number.isNaN(day.getTime()) ? "" : day.toLocaleDateString(item.language || undefined, { dateStyle: "medium" });
      entry.append(title, make("p", "meta", [source, shown].filter(Boolean).join(" · ")));
      if (item.summary) entry.append(make("p", "summary", item.summary));
      return entry;
    }
  }

  if (!customElements.get("carewire-list")) customElements.define("carewire-list", CarewireList);
})();
