// The form that invokes a function. Events are remembered in this browser alone.

import { authorized, byId, ms, setClass, setOptions } from "./dom.js";

const KEY = "pilotlight.events", MAX_EVENTS = 10, MAX_REMEMBERED = 20000, MAX_SHOWN = 20000;

const nameOf = byId("function"), type = byId("type"), recent = byId("recent"), event = byId("event");
const answer = byId("answer"), response = byId("response");

function remembered() {
  try {
    const all = JSON.parse(localStorage.getItem(KEY));
    return Array.isArray(all) ? all.filter(one => typeof one?.name === "string" && typeof one.event === "string") : [];
  } catch {
    return [];
  }
}

function remember(name, text) {
  if (text.length > MAX_REMEMBERED) return;
  const others = remembered().filter(one => one.name !== name || one.event !== text);
  try {
    localStorage.setItem(KEY, JSON.stringify([{ name, event: text }, ...others].slice(0, MAX_EVENTS)));
  } catch {
    // The browser stores nothing for this page: the list is empty then.
  }
  fillRecent();
}

function fillRecent() {
  const label = ({ name, event }) => `${name}: ${event.length > 60 ? `${event.slice(0, 60)}…` : event}`;
  setOptions(recent, [["", "choose one to send it again"], ...remembered().map((one, index) => [String(index), label(one)])]);
  recent.value = "";
}

function say(text, isFailed) {
  answer.textContent = text;
  setClass(answer, isFailed ? "wide failed" : "wide");
}

async function send(page) {
  const name = nameOf.value, text = event.value.trim() || "{}";
  try {
    JSON.parse(text);
  } catch (error) {
    say(`The event is not JSON: ${error.message}`, true);
    return event.focus();
  }
  remember(name, text);
  say("running …", false);
  response.hidden = true;
  const began = performance.now();
  try {
    const headers = authorized({ "Content-Type": "application/json", "X-Amz-Invocation-Type": type.value });
    const path = `/2015-03-31/functions/${encodeURIComponent(name)}/invocations`;
    const reply = await fetch(path, { method: "POST", headers, body: text });
    const body = await reply.text(), fault = reply.headers.get("X-Amz-Function-Error");
    const isFailed = !reply.ok || fault !== null, took = ms(performance.now() - began);
    say(`${reply.status}${fault ? ` ${fault}` : ""} after ${took}, ${body.length} characters`, isFailed);
    response.textContent = body.length > MAX_SHOWN ? `${body.slice(0, MAX_SHOWN)}…` : body;
    response.hidden = !body;
    page.expect(reply.headers.get("x-amzn-RequestId"));
  } catch {
    say("No answer: `pilotlight serve` may have ended.", true);
  }
}

export function setUpForm(page) {
  fillRecent();
  const last = remembered()[0];
  if (last) event.value = last.event;
  byId("form").onsubmit = submitted => {
    submitted.preventDefault();
    send(page);
  };
  event.onkeydown = pressed => {
    if (pressed.key !== "Enter" || !(pressed.ctrlKey || pressed.metaKey)) return;
    pressed.preventDefault();
    byId("form").requestSubmit();
  };
  recent.onchange = () => {
    const chosen = remembered()[recent.value];
    if (!chosen) return;
    event.value = chosen.event;
    if ([...nameOf.options].some(option => option.value === chosen.name)) nameOf.value = chosen.name;
  };
}

// Offers these functions; at first that of the last event.
export function offer(names) {
  const isFirst = !nameOf.options.length, last = remembered()[0]?.name;
  setOptions(nameOf, names.map(name => [name, name]));
  if (isFirst && names.includes(last)) nameOf.value = last;
}
