// What scripts add to the list of exports: one box for all, a count, choices and menus that outlive a live refresh.

const boxes = () => [...document.querySelectorAll("#live input[name=id]")];
let chosen = new Set();

function tell() {
  const all = boxes();
  const count = all.filter((box) => box.checked).length;
  const said = document.getElementById("chosen");
  if (said) said.textContent = count ? said.dataset.some.replace("{count}", count) : said.dataset.none;
  document.getElementById("bulk")?.classList.toggle("on", count > 0);
  for (const button of document.querySelectorAll("#bulk button")) button.disabled = !count;
  for (const button of document.querySelectorAll("[data-unselect]")) button.hidden = false;
  const every = document.getElementById("every");
  if (every) {
    every.checked = count > 0 && count === all.length;
    every.indeterminate = count > 0 && count < all.length;
  }
}

function addEvery() {
  const place = document.querySelector("[data-choose-all]");
  if (!place || place.firstChild) return;
  const every = document.createElement("input");
  every.type = "checkbox";
  every.id = "every";
  every.className = "box";
  every.setAttribute("aria-label", place.dataset.chooseAll);
  place.append(every);
}

document.addEventListener("change", (event) => {
  if (event.target.id === "every") for (const box of boxes()) box.checked = event.target.checked;
  if (event.target.id === "every" || event.target.name === "id") tell();
});

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-unselect]")) return;
  for (const box of boxes()) box.checked = false;
  tell();
});

document.addEventListener("htmx:beforeSwap", () => {
  chosen = new Set(boxes().filter((box) => box.checked).map((box) => box.value));
});

document.addEventListener("htmx:load", () => {
  for (const box of boxes()) box.checked = box.checked || chosen.has(box.value);
  addEvery();
  tell();
});

// Dates apply by themselves once the reader has stopped choosing.
let applying;
document.addEventListener("change", (event) => {
  const form = event.target.closest("[data-apply]");
  if (!form) return;
  clearTimeout(applying);
  applying = setTimeout(() => form.requestSubmit(), 700);
});

// A browser that goes back shows boxes as they were left.
window.addEventListener("pageshow", tell);
addEvery();
tell();
