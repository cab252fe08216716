// What scripts add to pages that work without them: the reader's own time zone, and calm live parts.

const full = new Intl.DateTimeFormat("en-GB", {
  day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
  timeZoneName: "short",
});
const short = new Intl.DateTimeFormat("en-GB", {
  day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short",
});

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

function localTimes(root) {
  // Whoever is signed in has chosen a zone, and the server has written every time in it. This is the one place that
  // rewrites times, so that a page never shows two clocks.
  if ("zone" in document.documentElement.dataset) return;
  for (const time of root.querySelectorAll("time[data-clock]")) time.textContent = clock.format(new Date(time.dateTime));
  for (const time of root.querySelectorAll("time[data-when]")) {
    const at = new Date(time.dateTime);
    time.textContent = (time.dataset.when === "exact" ? full : short).format(at);
    time.title = full.format(at);
  }
}

// A live part that is replaced keeps what the reader has opened, and says aloud only what is new.
let opened = new Set();

document.addEventListener("htmx:beforeRequest", (event) => {
  // A page that nobody looks at asks for nothing; the next tick after it is shown again does.
  if (document.hidden && event.target.hasAttribute("data-live")) event.preventDefault();
});

document.addEventListener("htmx:beforeSwap", (event) => {
  const target = event.detail.target;
  opened = new Set([...target.querySelectorAll("details[open][id]")].map((one) => one.id));
  // What was typed while a list was on its way stays.
  const box = target.querySelector("input, textarea");
  const typed = box && (box === document.activeElement || box.value !== box.defaultValue);
  if (target.hasAttribute("data-picker") && typed) event.detail.shouldSwap = false;
});

document.addEventListener("htmx:load", (event) => {
  const root = event.detail.elt;
  localTimes(root);
  for (const id of opened) {
    const one = document.getElementById(id);
    if (one && root.contains(one)) one.open = true;
  }
  const said = root.querySelector("[data-announce]")?.dataset.announce;
  const aloud = document.getElementById("aloud");
  if (said && aloud && aloud.dataset.last !== said) {
    if (aloud.dataset.last) aloud.textContent = said;
    aloud.dataset.last = said;
  }
});

document.addEventListener("submit", (event) => {
  // Two presses are one: the second is swallowed here, and the server knows it as the same anyway.
  const form = event.target;
  // A download leaves the page where it is, for more.
  if (form.method !== "post" || event.submitter?.hasAttribute("data-stays")) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});

window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

localTimes(document);
