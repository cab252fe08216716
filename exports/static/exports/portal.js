// What scripts add to pages that work without them: times that stay true, toasts that go, calm live parts.

// The server wrote every time in the reader's zone and words; these are its words for times that are counted.
const words = JSON.parse(document.documentElement.dataset.times ?? "null");
const zone = document.documentElement.dataset.zone;
let dayOf = (date) => date.toDateString();
try {
  const format = new Intl.DateTimeFormat("en-CA", { timeZone: zone || undefined, dateStyle: "short" });
  dayOf = (date) => format.format(date);
} catch {
  // A zone that this browser does not know: its own days are near enough.
}

function counted(seconds, sameDay) {
  if (seconds < 0) {
    if (seconds > -90) return [words.in_s, -seconds];
    return seconds > -5400 ? [words.in_min, Math.round(-seconds / 60)] : null;
  }
  if (seconds < 60) return [words.s, seconds];
  if (seconds < 3600) return [words.min, Math.floor(seconds / 60)];
  return sameDay ? [words.h, Math.floor(seconds / 3600)] : null;
}

function duration(seconds) {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return seconds % 60 ? `${minutes} min ${seconds % 60} s` : `${minutes} min`;
  if (minutes < 60) return `${Math.round(seconds / 60)} min`;
  return minutes % 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${minutes / 60} h`;
}

function keepTimesTrue(part) {
  const now = new Date();
  for (const shown of part.querySelectorAll("time > .rel")) {
    const time = shown.parentElement;
    const at = new Date(time.dateTime);
    if ("elapsed" in time.dataset) {
      shown.textContent = duration(Math.floor((now - at) / 1000));
      continue;
    }
    if ("due" in time.dataset && at <= now) {
      shown.textContent = words.now;
      continue;
    }
    const found = counted(Math.floor((now - at) / 1000), dayOf(now) === dayOf(at));
    if (found) shown.textContent = found[0].replace("0", found[1]);
    // After midnight "yesterday" is another day.
    else if (dayOf(now) !== dayOf(loaded) && shown.nextElementSibling) shown.textContent = shown.nextElementSibling.textContent;
  }
}

// The browser's zone goes with an account that is made, and is offered where the profile has another.
const ownZone = new Intl.DateTimeFormat().resolvedOptions().timeZone;
for (const field of document.querySelectorAll("[data-browser-zone]")) field.value = ownZone;
for (const offer of document.querySelectorAll("[data-zone-offer]")) {
  const field = document.getElementById(offer.dataset.zoneOffer);
  const isOffered = [...field.options].some((option) => option.value === ownZone);
  offer.hidden = !isOffered || ownZone === zone;
  offer.querySelector("[data-zone-name]").textContent = ownZone.replaceAll("_", " ");
  offer.querySelector("button").addEventListener("click", () => {
    field.value = ownZone;
    field.form.requestSubmit();
  });
}

const loaded = new Date();
if (words) setInterval(() => document.hidden || keepTimesTrue(document), 1_000);

for (const toast of document.querySelectorAll("[data-toast]")) {
  const button = toast.querySelector("[data-dismiss]");
  button.hidden = false;
  button.addEventListener("click", () => toast.remove());
  if (toast.dataset.toast !== "success" && toast.dataset.toast !== "info") continue;
  const go = () => {
    if (toast.matches(":hover, :focus-within")) setTimeout(go, 2_000);
    else toast.remove();
  };
  setTimeout(go, 8_000);
}

// A live part that is replaced keeps what the reader has opened, and says aloud only what is new.
let opened = new Set();
const announced = (part) => part.querySelector("[data-announce]")?.dataset.announce ?? "";
// What stood there when the page came is read anyway.
let lastSaid = announced(document);

document.addEventListener("htmx:beforeRequest", (event) => {
  // A page that nobody looks at asks for nothing.
  if (document.hidden && event.target.hasAttribute("data-live")) event.preventDefault();
});

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  // What stood still meanwhile is true at once, not at the next tick.
  if (words) keepTimesTrue(document);
  for (const part of document.querySelectorAll("[data-live]")) htmx.trigger(part, "shown");
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
  const part = event.detail.elt;
  for (const id of opened) {
    const one = document.getElementById(id);
    if (one && part.contains(one)) one.open = true;
  }
  const said = announced(part);
  const aloud = document.getElementById("aloud");
  if (said && aloud && said !== lastSaid) aloud.textContent = said;
  lastSaid = said || lastSaid;
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

// A form that came back begins at its first mistake.
document.querySelector("main .field.wrong :is(input, select, textarea), main .radios.wrong input")?.focus();

// A menu closes when another opens, at Escape, and at a press elsewhere.
const close = (but) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (menu !== but) menu.open = false;
};

document.addEventListener("click", (event) => close(event.target.closest("details.menu")));
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
  if (!menu) return;
  const inside = menu.contains(document.activeElement);
  close();
  if (inside) menu.querySelector("summary").focus();
});
