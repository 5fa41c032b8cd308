// A function's part of the page: its figures, its lanes and its failures. Elements stay, and change
// in place.

import { element, isSelected, megabytes, ms, plural, setClass, setText } from "./dom.js";
import { labels } from "./axis.js";
import { drawLane, drawRefused, summary } from "./lane.js";
import { isActive, outcome, reason, stateOf } from "./model.js";

const MAX_LANES = 60, MAX_ENDED_LANES = 20, MAX_FAILURES = 5;

export class Section {
  #figures = new Map();
  #lanes = new Map();
  #failures = new Map();

  constructor(name, page) {
    this.page = page;
    this.root = element("section");
    const title = element("h2", "", name);
    title.id = `function-${name}`;
    this.root.setAttribute("aria-labelledby", title.id);
    this.about = element("p", "about");
    this.totals = element("dl", "totals");
    this.rows = element("div", "rows");
    this.axis = element("div", "axis");
    this.axis.setAttribute("aria-hidden", "true");
    this.refused = this.#row("throttled");
    this.refused.count = element("b");
    this.refused.name.append("▼ ", this.refused.count, element("span", "state", " throttled"));
    this.rows.append(this.refused.row, this.axis);
    this.more = element("p", "more");
    this.failures = element("ul", "failures");
    this.failures.setAttribute("aria-label", `Failures of ${name}`);
    this.root.append(title, this.about, this.totals, this.rows, this.more, this.failures);
  }

  // The width of a lane, in pixels.
  width() {
    return this.axis.clientWidth;
  }

  update({ info, environments, refused }, axis) {
    setText(this.about, about(info));
    this.#updateTotals(info, environments);
    this.#updateLanes(info, environments, axis);
    this.refused.row.hidden = !refused.length;
    if (refused.length) {
      setText(this.refused.count, info.totals.throttles);
      this.refused.canvas.setAttribute("aria-label", `${info.totals.throttles} invocations were throttled`);
      drawRefused(this.refused.canvas, refused, axis);
    }
    this.#updateAxis(axis);
    this.#updateFailures(info, environments, refused);
  }

  #figure(name, kind, value, note) {
    let figure = this.#figures.get(name);
    if (!figure) {
      const box = element("div"), term = element("dt", "", name), text = element("dd"), small = element("small");
      const number = element("span");
      text.append(number, small);
      box.append(term, text);
      this.totals.append(box);
      this.#figures.set(name, figure = { box, number, small });
    }
    setClass(figure.box, kind);
    setText(figure.number, value);
    setText(figure.small, note ?? "");
  }

  #updateTotals({ totals: t, warming, memory_mb, in_flight }, environments) {
    const alive = [...environments.values()].filter(one => one.state !== "ended");
    const states = new Map();
    for (const one of alive) states.set(stateOf(one), (states.get(stateOf(one)) ?? 0) + 1);
    const note = [...states].map(([state, count]) => `${count} ${state}`).join(", ");
    const share = t.invocations ? `${Math.round(t.cold / t.invocations * 100)} % of ${t.invocations}` : "";
    this.#figure("cold starts", "cold", t.cold, share);
    this.#figure("warm", "warm", t.warm, in_flight ? `${in_flight} running` : "");
    this.#figure("pings", "pings", t.pings.count, t.pings.count || warming ? `${t.pings.cold} cold, ${ms(t.pings.billed_ms)} billed` : "");
    this.#figure("errors", `errors ${t.errors ? "some" : ""}`, t.errors);
    this.#figure("throttles", `throttles ${t.throttles ? "some" : ""}`, t.throttles);
    this.#figure("Init Duration", "", ms(t.init_ms.median), `p99 ${ms(t.init_ms.p99)}`);
    this.#figure("Duration", "", ms(t.duration_ms.median), `p99 ${ms(t.duration_ms.p99)}`);
    this.#figure("memory", "", megabytes(t.max_memory_kib), `of ${memory_mb} MB`);
    this.#figure("environments", "", alive.length, note);
  }

  #row(kind) {
    const row = element("div", `row ${kind}`), name = element("span", "name"), canvas = element("canvas", "lane");
    canvas.setAttribute("role", "img");
    row.append(name, canvas);
    return { row, name, canvas };
  }

  #lane(environment) {
    let lane = this.#lanes.get(environment.number);
    if (!lane) {
      lane = this.#row("");
      lane.state = element("span", "state");
      lane.name.append(element("b", "", `#${environment.number}`), " ", lane.state);
      if (environment.provisioned) lane.name.append(" provisioned");
      this.#lanes.set(environment.number, lane);
      const next = [...this.#lanes.keys()].filter(number => number > environment.number);
      this.rows.insertBefore(lane.row, next.length ? this.#lanes.get(Math.min(...next)).row : this.refused.row);
    }
    return lane;
  }

  #updateLanes({ freezes, environments_dropped }, environments, axis) {
    const all = [...environments.values()];
    const shown = all.filter(one => one.state === "ended" && one.since_ms >= axis.from).slice(-MAX_ENDED_LANES);
    const alive = all.filter(one => one.state !== "ended");
    alive.sort((one, other) => isActive(other) - isActive(one) || other.since_ms - one.since_ms);
    shown.push(...alive.slice(0, MAX_LANES));
    const kept = new Set(shown.map(one => one.number));
    for (const [number, lane] of this.#lanes) {
      if (kept.has(number) || isSelected(lane.name)) continue;
      lane.row.remove();
      this.#lanes.delete(number);
    }
    for (const environment of shown) {
      const lane = this.#lane(environment), state = stateOf(environment);
      setClass(lane.row, `row ${environment.state}`);
      const { invocations, pings, memory_kib } = environment;
      setText(lane.state, `${state}, ${invocations}×${pings ? ` and ${plural(pings, "ping")}` : ""}, ${megabytes(memory_kib)}`);
      lane.canvas.setAttribute("aria-label", summary(environment));
      drawLane(lane.canvas, environment, freezes, axis, this.page.selected?.id);
    }
    const hidden = all.length - shown.length + environments_dropped;
    const none = alive.length ? "" : "No environments: the next invocation will be cold.";
    const older = shown.reduce((sum, one) => sum + one.spans_dropped, 0);
    const lost = [[hidden, "other environment"], [older, "older mark"]].filter(([count]) => count);
    const notes = lost.map(([count, word]) => `${plural(count, word)} not shown.`);
    setText(this.more, [none, ...notes].join(" ").trim());
  }

  #updateAxis(axis) {
    const wanted = labels(axis, at => this.page.time(at));
    while (this.axis.children.length > wanted.length) this.axis.lastChild.remove();
    wanted.forEach(({ x, text, kind }, index) => {
      const label = this.axis.children[index] ?? this.axis.appendChild(element("span"));
      setClass(label, kind);
      setText(label, text);
      label.style.left = `${x}px`;
    });
  }

  #updateFailures(info, environments, refused) {
    const groups = new Map();
    const count = (key, group) => {
      const known = groups.get(key) ?? { ...group, count: 0, last: 0 };
      known.count++;
      if (group.at >= known.last) Object.assign(known, group, { last: group.at });
      groups.set(key, known);
    };
    for (const environment of environments.values()) {
      for (const span of environment.spans.filter(span => span.failed)) {
        const text = withoutId(reason(span.error), span.request_id);
        count(`${outcome(span)} ${text}`, { at: span.end_ms, kind: outcome(span), text, span });
      }
    }
    for (const { at_ms, reason } of refused) count(reason, { at: at_ms, kind: "throttled", text: reason });
    const latest = [...groups].sort(([, one], [, other]) => other.last - one.last).slice(0, MAX_FAILURES);
    const kept = new Set(latest.map(([key]) => key));
    for (const [key, item] of this.#failures) {
      if (kept.has(key) || isSelected(item.row)) continue;
      item.row.remove();
      this.#failures.delete(key);
    }
    for (const [key, group] of latest) this.#updateFailure(key, group);
  }

  #updateFailure(key, { count, kind, text, span, last }) {
    let item = this.#failures.get(key);
    if (!item) {
      item = { row: element("li", kind), count: element("b"), text: element("span", "", text), button: element("button", "", "") };
      item.button.type = "button";
      item.button.onclick = () => this.page.select(item.span, true);
      item.row.append(item.count, item.text);
      if (span) item.row.append(item.button);
      this.failures.prepend(item.row);
      this.#failures.set(key, item);
    }
    item.span = span;
    setText(item.count, `${count}× ${kind}`);
    if (!span) return;
    setText(item.button, `#${span.number}, ${this.page.time(last)}: log`);
  }
}

// Failures with the same text are one group, whatever the invocation.
const withoutId = (text, id) => id ? text.replaceAll(`RequestId: ${id} `, "").replaceAll(id, "…") : text;

function about(info) {
  const parts = [`${info.memory_mb} MB`, `timeout ${info.timeout_s} s`];
  if (info.cpu_share != null) parts.push(`${info.cpu_share.toFixed(3)} of a processor after init`);
  if (info.reserved != null) parts.push(`reserved concurrency ${info.reserved}`);
  if (info.provisioned) parts.push(`provisioned concurrency ${info.provisioned}`);
  if (info.warming) parts.push(`pings for ${info.warming.concurrency}, ${info.warming.schedule}, here every ${ms(info.warming.period_ms)}`);
  parts.push(`emulator overhead per invocation ${ms(info.totals.own_ms.median)}`);
  return parts.join(" · ");
}
