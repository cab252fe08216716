// What scripts add to the lists of the admin site: one box for all rows of the page, and how many are chosen.

const boxes = () => [...document.querySelectorAll("input.action-select")];
const place = document.querySelector("[data-choose-all]");
const said = document.querySelector("[data-chosen]");
const without = said?.textContent;

function tell() {
  const all = boxes();
  const count = all.filter((box) => box.checked).length;
  if (said) said.textContent = count ? said.dataset.chosen.replace("{count}", count) : without;
  for (const button of document.querySelectorAll(".acts button")) button.disabled = !count;
  const every = place?.querySelector("input");
  if (!every) return;
  every.checked = count > 0 && count === all.length;
  every.indeterminate = count > 0 && count < all.length;
}

if (place && boxes().length) {
  const every = document.createElement("input");
  every.type = "checkbox";
  every.className = "box";
  every.setAttribute("aria-label", place.dataset.chooseAll);
  place.append(every);
}

document.addEventListener("change", (event) => {
  if (event.target.closest("[data-choose-all]")) for (const box of boxes()) box.checked = event.target.checked;
  tell();
});

// A browser that goes back shows boxes as they were left.
window.addEventListener("pageshow", tell);
tell();
