// Small helpers: elements, texts that change in place, and figures in words.

export const byId = id => document.getElementById(id);

// The page's token, which `pilotlight serve --credentials` puts into its address.
const token = new URLSearchParams(location.search).get("token");
export const authorized = headers => token ? { ...headers, Authorization: `Bearer ${token}` } : headers;

export function element(name, kind, text) {
  const made = document.createElement(name);
  if (kind) made.className = kind;
  if (text !== undefined) made.textContent = text;
  return made;
}

// Whether the user has selected text within the node, which must stay as it is then.
export function isSelected(node) {
  const selection = getSelection();
  return !selection.isCollapsed && selection.containsNode(node, true);
}

// Changes a text in place: its node stays, and a selection elsewhere is not touched.
export function setText(node, text) {
  const value = String(text);
  if (node.textContent === value || isSelected(node)) return;
  if (node.childNodes.length === 1 && node.firstChild.nodeType === Node.TEXT_NODE) node.firstChild.data = value;
  else node.textContent = value;
}

export function setClass(node, kind) {
  if (node.className !== kind) node.className = kind;
}

// Makes a select's options those of the list of [value, label], and keeps the choice.
export function setOptions(select, options) {
  const key = JSON.stringify(options);
  if (select.dataset.key === key) return;
  const chosen = select.value;
  select.replaceChildren(...options.map(([value, label]) => new Option(label, value)));
  select.dataset.key = key;
  if (options.some(([value]) => value === chosen)) select.value = chosen;
}

export function ms(value) {
  if (value == null) return "–";
  if (value >= 600000) return `${Math.round(value / 60000)} min`;
  if (value >= 10000) return `${(value / 1000).toFixed(value >= 100000 ? 0 : 1)} s`;
  if (value >= 1000) return `${(value / 1000).toFixed(2)} s`;
  return value >= 100 ? `${Math.round(value)} ms` : `${value.toFixed(value >= 1 ? 1 : 2)} ms`;
}

export const megabytes = kib => kib ? `${(kib / 1024).toFixed(1)} MB` : "–";

export function bytes(count) {
  if (count == null) return "–";
  return count < 1024 ? `${count} bytes` : count < 1 << 20 ? `${(count / 1024).toFixed(1)} KiB`
    : `${(count / (1 << 20)).toFixed(2)} MiB`;
}

export const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
export const time = unix => clock.format(unix);
