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
  const word = document.createElement("span");
  word.className = "every-word";
  word.textContent = place.dataset.chooseAll;
  const label = document.createElement("label");
  label.append(every, word);
  place.append(label);
}

document.addEventListener("change", (event) => {
  if (event.target.id === "every") for (const box of boxes()) box.checked = event.target.checked;
  if (event.target.id === "every" || event.target.name === "id") tell();
});

document.addEventListener("htmx:beforeSwap", () => {
  chosen = new Set(boxes().filter((box) => box.checked).map((box) => box.value));
});

document.addEventListener("htmx:load", () => {
  for (const box of boxes()) box.checked = box.checked || chosen.has(box.value);
  addEvery();
  tell();
});

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

// A browser that goes back shows boxes as they were left.
window.addEventListener("pageshow", tell);
addEvery();
tell();
