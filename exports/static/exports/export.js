// What scripts add to an export's page: its state in the tab's icon, hashes to copy.

function dress(root) {
  const state = root.querySelector("[data-icon]");
  if (state) document.querySelector("link[rel=icon]").href = state.dataset.icon;
  // Browsers copy only for pages that came by https or from this computer.
  if (navigator.clipboard) for (const button of root.querySelectorAll("button[data-copy]")) button.hidden = false;
}

document.addEventListener("htmx:load", (event) => dress(event.detail.elt));

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  button.querySelector("[data-said]").textContent = button.dataset.copied;
  const aloud = document.getElementById("aloud");
  if (aloud) aloud.textContent = button.dataset.copied;
});

dress(document);
