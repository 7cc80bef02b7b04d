// The console works without this module. It copies identifiers, asks before what cannot
// be taken back, and reads parts of a page again when the server says they changed.

for (const button of document.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;

document.addEventListener("click", async (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    const before = copy.textContent;
    try {
      await navigator.clipboard.writeText(copy.dataset.copy);
      copy.textContent = "Copied";
    } catch {
      copy.textContent = "Not allowed";
    }
    setTimeout(() => { copy.textContent = before; }, 1500);
    return;
  }
  const asking = event.target.closest("[data-confirm]");
  if (asking && !confirm(asking.dataset.confirm)) event.preventDefault();
});

// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// Countdowns run by the server's clock: data-now is what it said when the part was made.
const skews = new WeakMap();
function count() {
  for (const timer of document.querySelectorAll("[data-until]")) {
    if (!skews.has(timer)) skews.set(timer, Date.now() - Date.parse(timer.dataset.now));
    const left = Math.max(0, Math.round((Date.parse(timer.dataset.until) - Date.now() + skews.get(timer)) / 1000));
    const two = (n) => String(n).padStart(2, "0");
    const hours = Math.floor(left / 3600);
    const minutes = Math.floor(left / 60) % 60;
    timer.textContent = (hours > 0 ? `${hours}:${two(minutes)}` : minutes) + ":" + two(left % 60);
    timer.classList.toggle("soon", left < 180);
  }
}
if (document.querySelector("[data-until]")) {
  count();
  setInterval(count, 1000);
}

const live = () => [...document.querySelectorAll("[data-live]")];
const concerns = (part, topic) => part.dataset.live.split(" ").includes(topic);

// refresh reads the page again and puts its live parts in place of those shown. A part
// in which somebody is at work is left alone, and says that there is something new.
async function refresh(parts) {
  const answer = await fetch(location.href, { redirect: "error" });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of parts) {
    const next = fresh.getElementById(part.id);
    if (!next || next.innerHTML === part.innerHTML) continue;
    if (part.contains(document.activeElement)) {
      stale(part);
      continue;
    }
    part.replaceWith(document.adoptNode(next));
    for (const button of next.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
  }
}

function stale(part) {
  if (part.querySelector(":scope > .stale")) return;
  const note = document.createElement("p");
  note.className = "stale";
  note.setAttribute("role", "status");
  const link = document.createElement("a");
  link.href = location.href;
  link.textContent = "Something changed: read the page again";
  note.append(link);
  part.prepend(note);
}

if (live().length > 0) {
  let waiting = new Set();
  let timer = 0;
  const heard = (choose) => {
    for (const part of live()) if (choose(part)) waiting.add(part);
    if (waiting.size === 0 || timer) return;
    timer = setTimeout(() => {
      const parts = [...waiting].filter((p) => p.isConnected);
      waiting = new Set();
      timer = 0;
      refresh(parts).catch(() => {});
    }, 400); // several notices come at once
  };
  const events = new EventSource("/api/v1/events");
  events.addEventListener("notice", (event) => {
    const { topic } = JSON.parse(event.data);
    heard((part) => concerns(part, topic));
  });
  events.addEventListener("ready", () => heard(() => true)); // something may have changed between the page and the stream
  events.addEventListener("reset", () => heard(() => true));
}
