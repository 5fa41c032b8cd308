// The page: fetches what has changed, keeps the selection, and knows the keyboard.

import { authorized, byId, element, setClass, setText, time } from "./dom.js";
import { makeAxis } from "./axis.js";
import { describe, drawMark, drawRefused, drawState, forgetColours, prepare } from "./lane.js";
import { Detail } from "./detail.js";
import { List } from "./list.js";
import { Model, reason } from "./model.js";
import { Section } from "./section.js";
import { offer, setUpForm } from "./form.js";

// Intervals between two requests, in milliseconds: while it is live, and without an answer.
const LIVE = 500, LOST = 2000;

const model = new Model(), sections = new Map(), detail = new Detail();
const live = byId("live"), pause = byId("pause"), range = byId("window"), tip = byId("tip");
let expected = null;

const page = {
  selected: null,
  time: at => time(model.unix(at)),
  // Selects a span; `reveal` also scrolls to its log.
  select(span, reveal) {
    page.selected = span;
    list.mark(span);
    const shown = detail.show(span, page);
    draw();
    if (reveal) shown.then(() => byId("detail").scrollIntoView({ block: "nearest" }));
  },
  readLog() {
    byId("detail").scrollIntoView({ block: "nearest" });
    (page.selected ? byId("log") : byId("detail-title")).focus({ preventScroll: true });
  },
  // Selects the invocation of the form as soon as the server tells of it.
  expect(id) {
    expected = id;
    selectExpected();
  },
};
const list = new List(page);

function selectExpected() {
  const span = expected && list.find(span => span.request_id === expected);
  if (!span) return;
  expected = null;
  page.select(span, false);
}

function draw() {
  const [first] = sections.values();
  const axis = makeAxis(model.activity(), model.now, first?.width() || 1, range.value);
  for (const [name, of] of model.functions) sections.get(name).update(of, axis);
}

function take(answer) {
  const isFirst = model.started !== answer.started_unix_ms, isAnother = isFirst && model.started;
  const added = model.take(answer), names = [...model.functions.keys()];
  if (isAnother) {
    list.clear();
    page.select(null, false);
  }
  for (const [name, { root }] of sections) {
    if (model.functions.has(name)) continue;
    root.remove();
    sections.delete(name);
  }
  for (const name of names.filter(name => !sections.has(name))) {
    sections.set(name, new Section(name, page));
    byId("functions").append(sections.get(name).root);
  }
  offer(names);
  list.reset(names);
  list.add(added);
  selectExpected();
  // Failures from before the page was opened are no news.
  const fault = !isFirst && added.findLast(span => span.failed);
  if (fault) byId("news").textContent = `${fault.of} failed: ${reason(fault.error)}`;
  draw();
}

function say(text, kind) {
  setText(live, text);
  setClass(live, kind);
}

const isPaused = () => pause.getAttribute("aria-pressed") === "true";

async function refresh() {
  let wait = LIVE;
  try {
    if (!isPaused() && !document.hidden) {
      const since = model.cursor ? `?since=${model.cursor}` : "";
      const answer = await fetch(`/environments${since}`, { cache: "no-store", headers: authorized({}) });
      if (answer.status === 403) return say("access denied: open the address that `pilotlight serve` printed, with its token", "lost");
      const changes = await answer.json();
      if (!isPaused()) {
        say("live", "");
        take(changes);
      } else {
        // The cursor is kept, so that the changes come again.
        say("paused", "paused");
      }
    }
  } catch {
    say("no answer: `pilotlight serve` may have ended", "lost");
    wait = LOST;
  }
  setTimeout(refresh, wait);
}

function togglePause() {
  const paused = !isPaused();
  pause.setAttribute("aria-pressed", paused);
  say(paused ? "paused" : "live", paused ? "paused" : "");
}

const KEYS = {
  j: () => list.step(1),
  k: () => list.step(-1),
  l: () => page.readLog(),
  f: () => list.toggleFailures(),
  e: () => byId("event").focus(),
  p: togglePause,
};

document.addEventListener("keydown", event => {
  const isField = event.target.matches("input, textarea, select");
  if (event.key === "Escape" && isField) return event.target.blur();
  if (isField || event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key]();
});

function hitAt(event) {
  const lane = event.target.closest?.(".lane");
  const x = lane && event.clientX - lane.getBoundingClientRect().left;
  return lane && (lane.hits ?? []).findLast(hit => x >= hit.left - 2 && x <= hit.right + 2);
}

document.addEventListener("pointermove", event => {
  const hit = hitAt(event);
  tip.style.display = hit ? "block" : "none";
  if (!hit) return;
  tip.textContent = hit.text ?? (hit.span.running ? `${hit.span.kind} is running` : describe(hit.span));
  tip.style.left = `${Math.max(4, Math.min(event.clientX + 12, innerWidth - tip.offsetWidth - 8))}px`;
  tip.style.top = `${event.clientY + 16 + tip.offsetHeight > innerHeight ? event.clientY - tip.offsetHeight - 8 : event.clientY + 16}px`;
});
byId("functions").addEventListener("click", event => {
  const hit = hitAt(event);
  if (hit?.span && !hit.span.running) page.select(hit.span, true);
});

// The key to the marks is drawn by the same code as the lanes.
function drawKey() {
  const marks = [
    ["init (cold start)", pen => drawMark(pen, "init", "ok", 0, 26, 18)],
    ["invocation", pen => drawMark(pen, "invocation", "ok", 0, 26, 18)],
    ["ping", pen => drawMark(pen, "ping", "ok", 0, 26, 18)],
    ["warm", pen => drawState(pen, "warm", 0, 26, 18)],
    ["frozen", pen => drawState(pen, "frozen", 0, 26, 18)],
    ["error", pen => drawMark(pen, "invocation", "error", 0, 26, 18)],
    ["timed out", pen => drawMark(pen, "invocation", "timeout", 0, 26, 18)],
    ["crashed", pen => drawMark(pen, "invocation", "crash", 0, 26, 18)],
    ["no process", pen => drawState(pen, "gone", 0, 26, 18)],
  ];
  const drawn = (name, paint) => {
    const item = element("li"), canvas = element("canvas");
    item.append(canvas, name);
    byId("key").append(item);
    paint(canvas);
  };
  byId("key").replaceChildren();
  for (const [name, paint] of marks) drawn(name, canvas => paint(prepare(canvas).pen));
  drawn("throttled", canvas => drawRefused(canvas, [{ at_ms: 0 }], { pieces: [], from: 0, to: 0, at: () => 13 }));
  drawn("retired", canvas => {
    const { pen } = prepare(canvas);
    pen.fillStyle = getComputedStyle(canvas).getPropertyValue("--ended");
    pen.fillRect(12, 1, 3, 16);
  });
}

pause.onclick = togglePause;
range.onchange = draw;
addEventListener("resize", draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  forgetColours();
  drawKey();
  draw();
});
setUpForm(page);
drawKey();
refresh();
