// What scripts add to the pages about people and projects: copying what is shown once, and searching in a long list.

function equip(root) {
  // What a live part brings may itself be what is looked for, so the whole page is looked through.
  for (const button of root.querySelectorAll("[data-copy-from]")) {
    if (navigator.clipboard) button.hidden = false;
  }
  for (const list of root.querySelectorAll("[data-narrow]")) {
    for (const tools of list.querySelectorAll("[data-narrow-tools]")) tools.hidden = false;
    count(list);
  }
}

function count(list) {
  const picked = list.querySelectorAll("[name=picked]:checked").length;
  const shown = list.querySelectorAll(":is(.check, [data-narrow-one]):not([hidden])").length;
  const said = list.querySelector("[data-narrow-count]");
  said.textContent = said.dataset.narrowCount.replace("{shown}", shown).replace("{picked}", picked);
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.copyFrom) {
    const field = document.getElementById(button.dataset.copyFrom);
    field.select();
    await navigator.clipboard.writeText(field.value);
    button.textContent = button.dataset.copied;
    const aloud = document.getElementById("aloud");
    if (aloud) aloud.textContent = button.dataset.copied;
  }
  if (button.dataset.pick) {
    const list = button.closest("[data-narrow]");
    for (const box of list.querySelectorAll(".check:not([hidden]) [name=picked]:enabled")) {
      box.checked = button.dataset.pick === "all";
    }
    count(list);
  }
});

document.addEventListener("input", (event) => {
  const list = event.target.closest("[data-narrow]");
  if (!list) return;
  if (event.target.type === "search") {
    const words = event.target.value.toLowerCase().split(/\s+/);
    for (const one of list.querySelectorAll(".check, [data-narrow-one]")) {
      const text = one.textContent.toLowerCase();
      one.hidden = !words.every((word) => text.includes(word));
    }
    for (const group of list.querySelectorAll(".card:has([data-narrow-one])")) group.hidden = !group.querySelector("[data-narrow-one]:not([hidden])");
  }
  count(list);
});

// Enter in the search box would send the whole form.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.id === "id_narrow") event.preventDefault();
});

document.addEventListener("htmx:load", () => equip(document));
equip(document);
