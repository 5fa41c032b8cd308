// The list of the last invocations, newest first: one option of a list box each.

import { byId, element, isSelected, ms, setOptions } from "./dom.js";
import { isInit, kindOf, outcome } from "./model.js";

// Limit for the spans that are remembered, and for the entries that are shown.
const MAX_SPANS = 1000, MAX_ENTRIES = 200;

const FILTERS = {
  all: () => true,
  failed: span => span.failed,
  cold: span => isInit(span) || span.figures?.cold,
  pings: span => span.kind === "ping",
};

export class List {
  #root = byId("list");
  #of = byId("of");
  #show = byId("show");
  #spans = [];
  #entries = new Map();

  constructor(page) {
    this.page = page;
    this.#of.onchange = this.#show.onchange = () => this.#fill();
    this.#root.onclick = event => {
      const entry = event.target.closest(".entry");
      if (entry && getSelection().isCollapsed) page.select(this.#entries.get(Number(entry.dataset.id)).span, false);
    };
    this.#root.onkeydown = event => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const end = { Home: 0, End: -1 }[event.key];
      if (step) this.step(step);
      else if (end !== undefined) page.select(this.#visible().at(end), false);
      else if (event.key === "Enter") page.readLog();
      else return;
      event.preventDefault();
    };
  }

  reset(names) {
    setOptions(this.#of, [["", "all functions"], ...names.map(name => [name, name])]);
  }

  clear() {
    this.#spans = [];
    this.#fill();
  }

  add(spans) {
    this.#spans = this.#spans.concat(spans).slice(-MAX_SPANS);
    for (const span of spans.filter(span => this.#accepts(span)).slice(-MAX_ENTRIES)) {
      this.#root.prepend(this.#entry(span));
    }
    this.#trim();
  }

  // Selects the next (1) or the previous (-1) entry; without a selection, the newest.
  step(step) {
    const visible = this.#visible(), at = visible.indexOf(this.page.selected);
    const next = at < 0 ? 0 : Math.min(Math.max(at + step, 0), visible.length - 1);
    if (visible.length) this.page.select(visible[next], false);
  }

  toggleFailures() {
    this.#show.value = this.#show.value === "failed" ? "all" : "failed";
    this.#fill();
  }

  find(test) {
    return this.#spans.findLast(test);
  }

  mark(span) {
    for (const entry of this.#root.querySelectorAll("[aria-selected=true]")) entry.setAttribute("aria-selected", "false");
    const entry = span && this.#entries.get(span.id)?.entry;
    if (!entry) return this.#root.removeAttribute("aria-activedescendant");
    entry.setAttribute("aria-selected", "true");
    this.#root.setAttribute("aria-activedescendant", entry.id);
    // Not scrollIntoView, which would scroll the page, too.
    const { offsetTop } = entry, top = offsetTop - this.#root.offsetTop;
    if (top < this.#root.scrollTop) this.#root.scrollTop = top;
    const surplus = top + entry.offsetHeight - this.#root.clientHeight;
    if (surplus > this.#root.scrollTop) this.#root.scrollTop = surplus;
  }

  #accepts(span) {
    return FILTERS[this.#show.value](span) && (!this.#of.value || span.of === this.#of.value);
  }

  #visible() {
    return [...this.#root.children].map(entry => this.#entries.get(Number(entry.dataset.id)).span);
  }

  #fill() {
    this.#entries.clear();
    const accepted = this.#spans.filter(span => this.#accepts(span)).slice(-MAX_ENTRIES).reverse();
    this.#root.replaceChildren(...accepted.map(span => this.#entry(span)));
    this.#trim();
    this.mark(this.page.selected);
  }

  #trim() {
    for (const entry of [...this.#root.children].slice(MAX_ENTRIES)) {
      if (isSelected(entry)) continue;
      this.#entries.delete(Number(entry.dataset.id));
      entry.remove();
    }
    byId("empty").hidden = this.#root.children.length > 0;
  }

  #entry(span) {
    const end = outcome(span), entry = element("div", `entry ${span.kind} ${span.failed ? "failed" : ""}`);
    entry.id = `entry-${span.id}`;
    entry.dataset.id = span.id;
    entry.setAttribute("role", "option");
    entry.setAttribute("aria-selected", "false");
    const note = span.failed ? element("span", "fault", `✕ ${end}`)
      : element("span", span.figures?.cold ? "cold" : "", span.figures?.cold ? "cold" : "");
    const name = element("span", "", `${span.of}#${span.number} ${span.kind === "invocation" ? "" : kindOf(span)}`);
    const took = element("span", "", ms(span.figures?.duration_ms ?? span.end_ms - span.start_ms));
    entry.append(element("time", "", this.page.time(span.start_ms)), name, note, took);
    this.#entries.set(span.id, { entry, span });
    return entry;
  }
}
