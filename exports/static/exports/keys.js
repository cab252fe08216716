// What scripts add to a team's pages for the keyboard: a search that jumps to any page, and keys that work outside of fields.

const dialogs = { jump: document.getElementById("jump"), keys: document.getElementById("keys") };
const field = document.getElementById("jump-q");
const list = document.getElementById("jump-hits");
const said = document.getElementById("jump-said");
const isMac = /Mac|iPhone|iPad/.test(navigator.platform);
// After `g`, the next key names a page for so long.
const PREFIX_MS = 1500;
const TYPING_MS = 120;

if (isMac) for (const shown of document.querySelectorAll("[data-mod]")) shown.textContent = "⌘";

function open(name) {
  const dialog = dialogs[name];
  if (!dialog || document.querySelector("dialog[open]")) return false;
  for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
  dialog.showModal();
  if (name === "jump") {
    field.select();
    search();
  }
  return true;
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open]");
  // With a modifier a link opens where the reader wants it.
  if (opener && !event.ctrlKey && !event.metaKey && !event.shiftKey && open(opener.dataset.open)) event.preventDefault();
  // A press beside a dialog is one on its backdrop.
  if (event.target instanceof HTMLDialogElement) event.target.close();
});

// The search: the field keeps the focus, and one of the hits is chosen (WAI-ARIA, combobox with a listbox).
let asking;
let waiting;

const hits = () => [...list.querySelectorAll("a[role=option]")];
const chosen = () => list.querySelector("[aria-selected=true]");

function choose(hit) {
  chosen()?.setAttribute("aria-selected", "false");
  hit?.setAttribute("aria-selected", "true");
  hit?.scrollIntoView({ block: "nearest" });
  if (hit) field.setAttribute("aria-activedescendant", hit.id);
  else field.removeAttribute("aria-activedescendant");
}

async function search() {
  asking?.abort();
  asking = new AbortController();
  const address = `${field.form.action}?${new URLSearchParams({ q: field.value })}`;
  try {
    const answer = await fetch(address, { headers: { "HX-Request": "true" }, signal: asking.signal });
    // The session has ended.
    if (answer.headers.has("HX-Refresh")) return location.reload();
    if (!answer.ok) return;
    list.innerHTML = await answer.text();
  } catch {
    // A newer search has taken its place, or there is no connection: what is shown stays.
    return;
  }
  field.setAttribute("aria-expanded", "true");
  said.textContent = list.querySelector("[data-hits]")?.dataset.hits ?? "";
  choose(hits()[0]);
}

field?.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(search, TYPING_MS);
});

field?.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    const all = hits();
    if (all.length) choose(all[(all.indexOf(chosen()) + step + all.length) % all.length]);
    event.preventDefault();
  }
  if (event.key === "Enter" && !event.isComposing && chosen()) {
    event.preventDefault();
    chosen().click();
  }
});

dialogs.jump?.addEventListener("close", () => field.setAttribute("aria-expanded", "false"));

// Keys without a modifier act only where nothing is typed, and not at all where the reader turned them off.
const areOn = document.documentElement.dataset.keys !== "off";
const FIELDS = "input:not([type=checkbox], [type=radio], [type=submit], [type=button]), textarea, select, [contenteditable], video";
let prefixUntil = 0;

function rows() {
  const links = document.querySelectorAll("main :is(tbody tr, .list > li) a.what");
  return [...links].filter((link) => link.checkVisibility());
}

function row(element) {
  return element.closest("tr, .list > li");
}

function step(by) {
  const all = rows();
  const here = all.findIndex((link) => row(link).contains(document.activeElement));
  const next = here < 0 ? (by > 0 ? 0 : -1) : Math.min(Math.max(here + by, 0), all.length - 1);
  all.at(next)?.focus();
}

function follow(keys) {
  document.querySelector(`[data-key="${keys}"]`)?.click();
}

const EXACT = "exact-times";
function showExact(on) {
  document.documentElement.toggleAttribute("data-exact-times", on);
  sessionStorage.setItem(EXACT, on ? "yes" : "");
}
if (sessionStorage.getItem(EXACT)) showExact(true);

const ACTS = {
  "/": () => {
    const find = document.getElementById("f-q");
    if (find?.checkVisibility()) find.select();
    else open("jump");
  },
  "?": () => open("keys"),
  j: () => step(1),
  k: () => step(-1),
  x: () => row(document.activeElement)?.querySelector("input.box")?.click(),
  n: () => follow("n"),
  T: () => showExact(!document.documentElement.hasAttribute("data-exact-times")),
  g: () => { prefixUntil = performance.now() + PREFIX_MS; },
};

document.addEventListener("keydown", (event) => {
  const key = event.key;
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && key.toLowerCase() === "k") {
    if (open("jump")) event.preventDefault();
    return;
  }
  if (!areOn || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest?.(FIELDS) || document.querySelector("dialog[open]")) return;
  const isSecond = performance.now() < prefixUntil;
  prefixUntil = 0;
  if (isSecond) follow(`g ${CSS.escape(key)}`);
  else if (Object.hasOwn(ACTS, key)) ACTS[key]();
  else return;
  event.preventDefault();
});
