// The selected invocation: its figures, its error and its log.

import { authorized, byId, bytes, element, megabytes, ms } from "./dom.js";
import { isInit, kindOf, outcome, reason } from "./model.js";

const WORDS = { ok: "succeeded", error: "error of the function", timeout: "timed out", crash: "the process ended" };

export class Detail {
  #shown = null;

  // Shows a span, and its log as soon as the server has sent it.
  async show(span, page) {
    this.#shown = span;
    byId("choose").hidden = Boolean(span);
    const log = byId("log");
    log.hidden = !span;
    byId("facts").replaceChildren(...(span ? facts(span, page) : []));
    byId("detail-title").textContent = span ? `Log of ${span.of}#${span.number}` : "Log";
    if (!span) return;
    log.textContent = "";
    const text = await read(span);
    // Another one may have been selected meanwhile.
    if (this.#shown === span) log.textContent = text;
  }
}

async function read(span) {
  try {
    const answer = await fetch(`/environments/logs/${span.id}`, { cache: "no-store", headers: authorized({}) });
    if (answer.status === 404) {
      return isInit(span) && !span.failed ? "An init's log is in that of the invocation that follows it."
        : "The log is no longer kept: those of the last invocations are.";
    }
    const { log, dropped_bytes } = await answer.json();
    const cut = dropped_bytes ? `(${bytes(dropped_bytes)} before this are not kept)\n` : "";
    return cut + log || "The log is empty.";
  } catch {
    return "The log cannot be read: `pilotlight serve` may have ended.";
  }
}

function facts(span, page) {
  const { figures } = span, made = [];
  const add = (name, value, kind) => {
    const pair = element("div");
    pair.append(element("dt", "", name), element("dd", kind ?? "", value));
    made.push(pair);
  };
  add("kind", figures?.cold ? `${kindOf(span)}, cold start` : kindOf(span));
  add("result", WORDS[outcome(span)], span.failed ? "fault" : "");
  if (span.failed) add("error", reason(span.error), "fault");
  add("began", page.time(span.start_ms));
  if (span.request_id) add("request", span.request_id);
  if (!figures) add("took", ms(span.end_ms - span.start_ms));
  if (!figures) return made;
  add("Duration", ms(figures.duration_ms));
  if (figures.init_ms != null) add("Init Duration", ms(figures.init_ms));
  add("billed", `${figures.billed_ms} ms`);
  add("memory", megabytes(figures.memory_kib));
  add("event", bytes(figures.event_bytes));
  add("response", figures.response_bytes == null ? "none" : bytes(figures.response_bytes));
  return made;
}
