// Update the page: fetch it again, and replace its main element if that has changed.
const main = document.querySelector("main[data-live='yes']");
let current = main?.innerHTML;

async function refresh() {
  try {
    const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
    const fresh = page.querySelector("main").innerHTML;
    if (fresh !== current && !main.contains(document.activeElement?.closest("details, form"))) main.innerHTML = fresh;
    current = fresh;
    document.querySelector(".clock").textContent = page.querySelector(".clock").textContent;
    document.body.classList.remove("offline");
  } catch {
    document.body.classList.add("offline"); // the emulator was stopped; keep trying, since it may restart
  }
}

if (main) setInterval(refresh, 700);
