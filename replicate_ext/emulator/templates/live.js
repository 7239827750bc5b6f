// Keep what can change up to date: fetch the page again, and take its main part if it differs.
const main = document.querySelector("main[data-live='yes']");
let last = main?.innerHTML;

async function refresh() {
  try {
    const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
    const fresh = page.querySelector("main").innerHTML;
    if (fresh !== last && !main.contains(document.activeElement?.closest("details, form"))) main.innerHTML = fresh;
    last = fresh;
    document.querySelector(".clock").textContent = page.querySelector(".clock").textContent;
    document.body.classList.remove("gone");
  } catch {
    document.body.classList.add("gone"); // the emulator was stopped; it may come back
  }
}

if (main) setInterval(refresh, 700);
