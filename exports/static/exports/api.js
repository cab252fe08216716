// What scripts add to the API's page: finding a call, copying code, trying calls with the reader's own token.
// The token stays in its field: it is in no storage, no address and no log, and goes with the page.

const token = document.getElementById("try-token");
const MAX_SHOWN = 100_000;

for (const hidden of document.querySelectorAll(".api-find, .try, .try-token")) hidden.hidden = false;
window.addEventListener("pagehide", () => { token.value = ""; });

// Browsers copy only for pages that came by https or from this computer.
if (navigator.clipboard) for (const button of document.querySelectorAll("[data-copy-code]")) button.hidden = false;
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy-code]");
  if (!button) return;
  await navigator.clipboard.writeText(button.closest(".code").querySelector("pre").textContent);
  button.querySelector("span").textContent = button.dataset.copied;
  document.getElementById("aloud").textContent = button.dataset.copied;
});

// An object that is linked to is opened.
function openTarget() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.matches("details")) target.open = true;
}
window.addEventListener("hashchange", openTarget);
openTarget();

const find = document.querySelector(".api-find");
find.addEventListener("submit", (event) => {
  event.preventDefault();
  const first = document.querySelector("[data-call]:not([hidden])");
  if (first) location.hash = first.id;
});
find.addEventListener("input", (event) => {
  const words = event.target.value.toLowerCase().split(/\s+/);
  let count = 0;
  for (const call of document.querySelectorAll("[data-call]")) {
    call.hidden = !words.every((word) => call.dataset.call.toLowerCase().includes(word));
    document.querySelector(`.api-nav a[href="#${call.id}"]`).hidden = call.hidden;
    if (!call.hidden) count += 1;
  }
  for (const group of document.querySelectorAll(".api-group:has([data-call])")) group.hidden = !group.querySelector("[data-call]:not([hidden])");
  const said = find.querySelector("[data-found]");
  said.textContent = said.dataset.found.replace("{n}", count);
});

document.addEventListener("submit", async (event) => {
  const form = event.target.closest(".try-form");
  if (!form) return;
  event.preventDefault();
  if (!token.value.trim()) {
    token.setCustomValidity(" ");
    token.focus();
    token.scrollIntoView({ block: "center" });
    return;
  }
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  try {
    await send(form);
  } finally {
    button.disabled = false;
    const sure = form.querySelector("[type=checkbox]");
    if (sure) sure.checked = false;
  }
});
token.addEventListener("input", () => token.setCustomValidity(""));

function request(form) {
  let path = form.dataset.path;
  const query = new URLSearchParams();
  const headers = { Authorization: `Bearer ${token.value.trim()}` };
  for (const field of form.querySelectorAll("[data-name]")) {
    const { name, place } = field.dataset;
    if (place === "path") path = path.replace(`{${name}}`, encodeURIComponent(field.value));
    else if (!field.value) continue;
    else if (place === "query") query.append(name, field.value);
    else headers[name] = field.value;
  }
  const body = form.querySelector("[data-body]")?.value;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  return { address: query.size ? `${path}?${query}` : path, init: { method: form.dataset.method, headers, body, credentials: "omit", cache: "no-store" } };
}

async function send(form) {
  const { address, init } = request(form);
  const answer = form.querySelector("[data-answer]");
  const show = (name, text) => { answer.querySelector(`[data-${name}]`).textContent = text; };
  answer.hidden = false;
  show("request", `${init.method} ${location.origin}${address}`);
  try {
    const began = performance.now();
    const response = await fetch(address, init);
    const data = await response.arrayBuffer();
    show("status", `${response.status} ${response.statusText} · ${Math.round(performance.now() - began)} ms`);
    show("headers", [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n"));
    show("body-shown", readable(data, response.headers.get("Content-Type") ?? ""));
  } catch (error) {
    show("status", String(error));
    show("headers", "");
    show("body-shown", "");
  }
}

function readable(data, type) {
  if (!data.byteLength) return "";
  if (!/json|text/.test(type)) return `${data.byteLength} B ${type}`;
  const text = new TextDecoder().decode(data.slice(0, MAX_SHOWN));
  const more = data.byteLength > MAX_SHOWN ? "\n…" : "";
  try {
    return more ? text + more : JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text + more;
  }
}
