// What scripts add to an export's page: its state in the tab's icon, hashes to copy.

function dress(root) {
  const state = root.querySelector("[data-icon]");
  if (state) document.querySelector("link[rel=icon]").href = state.dataset.icon;
  // Browsers copy only for pages that came by https or from this computer.
  for (const cover of root.querySelectorAll(".film-cover")) uncover(cover);
  if (navigator.clipboard) for (const button of root.querySelectorAll("button[data-copy]")) button.hidden = false;
}

// A video shows its first picture until it is played.
function uncover(cover) {
  const player = cover.parentElement.querySelector(".player");
  cover.hidden = false;
  cover.querySelector("video").preload = "metadata";
  player.addEventListener("play", () => cover.remove(), { once: true });
  cover.querySelector("button").addEventListener("click", () => {
    player.play();
    player.focus();
  });
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

// A download leaves the page as it is: who downloads is in the list soon after.
document.addEventListener("click", (event) => {
  if (event.target.closest("#download")) document.body.dispatchEvent(new Event("downloaded"));
});

dress(document);

// On the page of a preview the arrows turn its pages, unless they scroll or write.
document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || event.defaultPrevented) return;
  const way = { ArrowLeft: "prev", ArrowRight: "next" }[event.key];
  if (!way || event.target.closest("input, select, textarea, video, [role=region]")) return;
  document.querySelector(`.pages a[rel=${way}]`)?.click();
});
