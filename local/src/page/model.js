// The state of the functions, kept up to date from the changes that the server sends.

// Limits per function; they are those of the server.
const MAX_SPANS = 120, MAX_ENDED = 50, MAX_REFUSED = 100;

export class Model {
  functions = new Map();
  now = 0;
  started = 0;
  cursor = null;

  // Takes an answer of /environments, and returns its new spans in their order.
  take(answer) {
    if (answer.complete) this.functions.clear();
    this.now = answer.now_ms;
    this.started = answer.started_unix_ms;
    this.cursor = answer.cursor;
    const added = [];
    for (const sent of answer.functions) {
      const { environments, refused, ...info } = sent;
      let known = this.functions.get(info.name);
      if (!known) this.functions.set(info.name, known = { environments: new Map(), refused: [] });
      known.info = info;
      known.refused = known.refused.concat(refused).slice(-MAX_REFUSED);
      for (const change of environments) {
        const spans = change.spans.map(span => ({ ...span, of: info.name, number: change.number }));
        added.push(...spans);
        const before = known.environments.get(change.number)?.spans ?? [];
        const environment = { ...change, spans: before.concat(spans).slice(-MAX_SPANS) };
        markCrashes(environment);
        known.environments.set(change.number, environment);
      }
      const ended = [...known.environments.values()].filter(one => one.state === "ended");
      ended.sort((one, other) => one.since_ms - other.since_ms);
      for (const { number } of ended.slice(0, Math.max(0, ended.length - MAX_ENDED))) known.environments.delete(number);
    }
    return added.sort((one, other) => one.id - other.id);
  }

  // All [start, end] in which something happened; `end` is now for what goes on.
  activity() {
    const all = [];
    for (const { environments, refused } of this.functions.values()) {
      for (const { at_ms } of refused) all.push([at_ms, at_ms]);
      for (const environment of environments.values()) {
        for (const { start_ms, end_ms } of environment.spans) all.push([start_ms, end_ms]);
        if (isActive(environment)) all.push([environment.since_ms, this.now]);
        if (environment.state === "ended") all.push([environment.since_ms, environment.since_ms]);
      }
    }
    return all;
  }

  unix(at) {
    return this.started + at;
  }
}

// Marks the failures that ended the process: an init follows them, or there is no process now.
function markCrashes({ spans, pid }) {
  spans.forEach((span, index) => {
    const next = spans[index + 1];
    if (span.failed && (next ? next.kind === "reinit" : pid === null)) span.ended = true;
  });
}

export const isActive = environment => environment.state === "busy" || environment.state === "initialising";

export const isInit = span => span.kind === "init" || span.kind === "reinit";

// The way in which a span ended: "ok", "error" of the handler, "timeout", or "crash" of the
// process.
export function outcome(span) {
  if (!span.failed) return "ok";
  const { type, message } = span.error;
  if (type === "Sandbox.Timedout" || message === "timed out") return "timeout";
  return span.ended ? "crash" : "error";
}

export const reason = error => [error.type, error.message].filter(part => part).join(": ");

const NAMES = { init: "init", reinit: "init again", invocation: "invocation", ping: "ping" };
export const kindOf = span => NAMES[span.kind];

// The state of an environment in a word. One without a process begins with an init again.
export function stateOf({ state, pid, retired }) {
  if (state === "ended") return { idle: "retired: idle", rebuilt: "retired: rebuilt", failed: "ended: failed" }[retired] ?? "ended";
  if (state === "idle") return pid === null ? "crashed" : "warm";
  return state;
}
