// One environment's lane: a canvas on which each kind of mark has a shape of its own, so that no
// mark is told by its colour alone.

import { isActive, isInit, kindOf, outcome, reason, stateOf } from "./model.js";
import { ms } from "./dom.js";

const style = getComputedStyle(document.documentElement);
let colours = new Map();

// A colour of the style sheet; asked for once, because thousands of marks need it.
function colour(name) {
  if (!colours.has(name)) colours.set(name, style.getPropertyValue(`--${name}`));
  return colours.get(name);
}

// Asks for the colours again, after a change of the colour scheme.
export function forgetColours() {
  colours = new Map();
}

// Prepares a canvas for drawing in CSS pixels.
export function prepare(canvas) {
  const scale = devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
  const [wide, high] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high];
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  return { pen, width, height };
}

function path(pen, points, close) {
  pen.beginPath();
  points.forEach(([x, y], index) => index ? pen.lineTo(x, y) : pen.moveTo(x, y));
  if (close) pen.closePath();
}

// The state between two marks: a solid line is warm, a dashed one frozen, a dotted one has no
// process.
export function drawState(pen, state, left, right, height) {
  if (right <= left) return;
  pen.save();
  pen.strokeStyle = colour(state);
  pen.lineWidth = { warm: 5, frozen: 4, gone: 2 }[state];
  pen.setLineDash({ warm: [], frozen: [5, 4], gone: [2, 4] }[state]);
  path(pen, [[left, height / 2], [right, height / 2]]);
  pen.stroke();
  pen.restore();
}

// Folded time has the colour of the page.
function drawFolds(pen, axis, height) {
  pen.fillStyle = colour("raised");
  for (const { x, wide, fold } of axis.pieces) if (fold) pen.fillRect(x + 3, 0, wide - 6, height);
}

// A glyph in the middle of a failed mark: a cross, an hourglass, or a bolt.
function drawGlyph(pen, end, x, y) {
  pen.save();
  pen.strokeStyle = pen.fillStyle = colour("on-mark");
  pen.lineWidth = 2;
  if (end === "timeout") {
    path(pen, [[x - 4, y - 5], [x + 4, y - 5], [x - 4, y + 5], [x + 4, y + 5]], true);
    pen.fill();
  } else if (end === "crash") {
    path(pen, [[x + 3, y - 6], [x - 3, y], [x + 3, y], [x - 3, y + 6]]);
    pen.stroke();
  } else {
    path(pen, [[x - 4, y - 4], [x + 4, y + 4]]);
    pen.stroke();
    path(pen, [[x + 4, y - 4], [x - 4, y + 4]]);
    pen.stroke();
  }
  pen.restore();
}

// A mark from `left` to `right`; returns the edges as drawn.
export function drawMark(pen, kind, end, left, right, height) {
  const middle = height / 2, x = (left + right) / 2;
  if (kind === "ping" && end === "ok") {
    pen.fillStyle = colour("ping");
    pen.fillRect(left, middle - 2, right - left, 4);
    path(pen, [[x - 6, middle], [x, middle - 7], [x + 6, middle], [x, middle + 7]], true);
    pen.fill();
    return [Math.min(left, x - 6), Math.max(right, x + 6)];
  }
  const least = end === "ok" ? 3 : 14;
  if (right - left < least) [left, right] = end === "ok" ? [left, left + least] : [x - least / 2, x + least / 2];
  const inset = kind.endsWith("init") ? 0 : 3;
  pen.fillStyle = colour(end !== "ok" ? "failed" : kind.endsWith("init") ? "init" : "invocation");
  pen.beginPath();
  pen.roundRect(left, inset, right - left, height - 2 * inset, inset ? Math.min(4, (right - left) / 2) : 0);
  pen.fill();
  if (inset === 0 && right - left > 8) {
    // Notches along the upper edge tell an init from an invocation without colour.
    pen.fillStyle = colour("lane");
    for (let notch = left + 3; notch < right - 3; notch += 6) pen.fillRect(notch, 0, 3, 3);
  }
  if (end !== "ok") drawGlyph(pen, end, (left + right) / 2, middle);
  return [left, right];
}

function drawText(pen, text, left, right, height) {
  pen.font = "11px system-ui, sans-serif";
  if (pen.measureText(text).width > right - left - 8) return;
  pen.fillStyle = colour("on-mark");
  pen.textBaseline = "middle";
  pen.fillText(text, left + 5, height / 2 + 1);
}

// The sentence about a span that the tip shows.
export function describe(span) {
  const { figures } = span, parts = [`${kindOf(span)} ${ms(span.end_ms - span.start_ms)}`];
  if (figures?.cold) parts.push("cold start");
  if (span.failed) parts.push(`${outcome(span)}\n${reason(span.error).slice(0, 200)}`);
  return parts.join(", ");
}

// Draws an environment. `canvas.hits` then has the marks' edges, for the pointer.
export function drawLane(canvas, environment, freezes, axis, selected) {
  const { pen, width, height } = prepare(canvas), hits = [];
  drawFolds(pen, axis, height);
  const isEnded = environment.state === "ended";
  const end = isEnded || isActive(environment) ? environment.since_ms : axis.to;
  const clip = x => Math.min(Math.max(x, -4), width + 4), at = time => clip(axis.at(time));
  const rest = freezes ? "frozen" : "warm";
  // Nothing is known of the time before the oldest mark, if older ones were dropped.
  let since = environment.spans_dropped ? environment.spans[0].start_ms : environment.created_ms;
  let state = rest;
  for (const span of environment.spans) {
    // With an init, there was no process before.
    drawState(pen, isInit(span) && state === rest ? "gone" : state, at(since), at(span.start_ms), height);
    since = span.end_ms;
    state = ["timeout", "crash"].includes(outcome(span)) ? "gone" : rest;
  }
  drawState(pen, state, at(since), at(end), height);
  const mark = (span, from, to, text) => {
    if (to < axis.from || from > axis.to) return;
    const [left, right] = drawMark(pen, span.kind, outcome(span), at(from), at(to), height);
    hits.push({ left, right, span });
    if (span.id !== undefined && span.id === selected) {
      pen.strokeStyle = colour("ink");
      pen.lineWidth = 2;
      pen.strokeRect(left - 1, 1, right - left + 2, height - 2);
    }
    if (span.kind !== "ping" && !span.failed) drawText(pen, text, left, right, height);
  };
  for (const span of environment.spans) {
    const took = ms(span.end_ms - span.start_ms);
    mark(span, span.start_ms, span.end_ms, isInit(span) ? `init ${took}` : took);
  }
  if (isActive(environment)) {
    const kind = environment.state === "busy" ? "invocation" : "init";
    mark({ kind, running: true }, environment.since_ms, axis.to, kind === "init" ? "init …" : "running …");
  }
  if (isEnded && end >= axis.from && end <= axis.to) {
    const x = Math.min(at(end), width - 4);
    pen.fillStyle = colour(environment.retired === "failed" ? "failed" : "ended");
    pen.fillRect(x - 1, 1, 3, height - 2);
    pen.font = "11px system-ui, sans-serif";
    pen.textBaseline = "middle";
    const text = environment.retired ?? "";
    const wide = pen.measureText(text).width, fits = x + 6 + wide < width;
    if (!fits) pen.clearRect(x - 8 - wide, 0, wide + 6, height);
    pen.fillText(text, fits ? x + 6 : x - 5 - wide, height / 2 + 1);
  }
  canvas.hits = hits;
}

// Draws the invocations that were refused, as triangles.
export function drawRefused(canvas, refused, axis) {
  const { pen, height } = prepare(canvas);
  drawFolds(pen, axis, height);
  canvas.hits = [];
  pen.fillStyle = colour("throttled");
  for (const one of refused) {
    if (one.at_ms < axis.from || one.at_ms > axis.to) continue;
    const x = axis.at(one.at_ms);
    path(pen, [[x - 6, 4], [x + 6, 4], [x, height - 4]], true);
    pen.fill();
    canvas.hits.push({ left: x - 6, right: x + 6, text: `throttled: ${one.reason}` });
  }
}

// The sentence about an environment for those who do not see its lane.
export function summary(environment) {
  const failed = environment.spans.filter(span => span.failed).length;
  const { number, invocations, pings } = environment;
  return `Environment ${number}: ${stateOf(environment)}, ${invocations} invocations, ${pings} pings, ${failed} failures`;
}
