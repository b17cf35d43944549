// Helps on the page of a payment link: the list of banks follows what is typed. Without it the
// button beside the list does the same.
"use strict";

(() => {
  const form = document.querySelector("[data-banks]");
  const list = form?.querySelector(".banks");
  const search = form?.querySelector("[name=search]");
  if (!list || !search) return;
  const country = form.querySelector("[name=bank_country]");
  const button = form.querySelector(".filter button");
  const chosen = () => list.querySelector("[name=bank]:checked")?.value ?? "";
  let kept = chosen();
  let timer = 0;
  let latest = 0;

  const find = async () => {
    const turn = ++latest;
    kept = chosen() || kept;
    const asked = new URLSearchParams({ search: search.value, bank: kept });
    if (country) asked.set("bank_country", country.value);
    try {
      const reply = await fetch(`${form.dataset.banks}?${asked}`, { cache: "no-store" });
      if (!reply.ok || turn !== latest) return;
      const found = new DOMParser().parseFromString(await reply.text(), "text/html");
      if (turn === latest) list.replaceChildren(...found.body.childNodes);
    } catch {
      button.hidden = false; // offline: the button stays
    }
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(find, 150);
  };

  button.hidden = true;
  search.addEventListener("input", soon);
  country?.addEventListener("change", find);
  search.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // it ends the search, not the form
    clearTimeout(timer);
    find();
  });
})();
