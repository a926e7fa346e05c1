// Renews the pictures of the page without reloading it, and tells their age by the visitor's clock, as far as that is
// plausible. Asks for one small file of this folder and for nothing else.
"use strict";
(() => {
  const SOONEST = 15, LATEST = 300, LAG = 20; // seconds between two looks; until a picture that was due is here
  const TOLERANCE = 90, PATIENCE = 120; // seconds: of the visitor's clock; for which a picture may be late
  const told = document.body.dataset;
  const language = document.documentElement.lang;
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  let skew = 0, known = false, failures = 0, timer = 0, asking = false;

  const now = () => Date.now() / 1000 - skew;
  const number = (article, key) => (article.dataset[key] ? Number(article.dataset[key]) : null);
  const show = (element, text) => { if (element.textContent !== text) element.textContent = text; };

  function ago(seconds) {
    const [size, unit] = seconds < 3600 ? [60, "minute"] : seconds < 172800 ? [3600, "hour"] : [86400, "day"];
    return relative.format(-Math.floor(Math.max(0, seconds) / size), unit);
  }

  function tell() {
    for (const article of document.querySelectorAll("article[data-time]")) {
      const time = number(article, "time"), next = number(article, "next"), interval = number(article, "interval") || 0;
      const strange = !known && time - now() > TOLERANCE; // nobody else told the time, and ours cannot be right
      const late = next !== null && now() > next + Math.max(interval, PATIENCE);
      show(article.querySelector(".age"), strange ? "" : ago(now() - time));
      show(article.querySelector(".note"), strange ? told.wrong : late ? told.stale.replace("{ago}", ago(now() - next)) : "");
    }
    const off = Math.abs(skew) > TOLERANCE ? told.skewed : "";
    show(document.getElementById("state"), failures > 1 ? told.lost : off);
  }

  function renew(article, camera) {
    const time = Date.parse(camera.time) / 1000;
    article.dataset.next = camera.next === null ? "" : Date.parse(camera.next) / 1000;
    article.dataset.interval = camera.interval ?? "";
    if (!(time > number(article, "time"))) return;
    const fresh = new Image(), mark = "?" + time, largest = camera.pictures[0];
    const files = camera.pictures.map((one) => one.file + mark + (one.width ? ` ${one.width}w` : ""));
    fresh.sizes = article.querySelector(".picture").sizes;
    if (largest.width) fresh.srcset = files.join(", ");
    fresh.src = largest.file + mark;
    fresh.decode().then(() => { // the picture that is shown stays until the next one is here whole
      const shown = article.querySelector(".picture"), day = article.querySelector(".day img");
      for (const key of ["srcset", "src", "alt"]) shown[key] = key === "alt" ? camera.alt : fresh[key];
      if (largest.width) [shown.width, shown.height] = [largest.width, largest.height];
      article.querySelector(".link").href = fresh.src;
      const when = article.querySelector("time");
      when.dateTime = camera.time;
      show(when, camera.shown);
      show(article.querySelector(".next"), camera.expected);
      if (day && camera.day) [day.src, day.alt] = [camera.day.file + mark, camera.day.alt];
      article.dataset.time = time;
      tell();
    }).catch(() => {});
  }

  function take(facts) {
    const shown = [...document.querySelectorAll("article")].map((one) => one.id + !!one.dataset.time).join();
    const there = facts.cameras.map((one) => one.name + (one.time !== null)).join();
    if (shown !== there && performance.now() > 60000) return location.reload(); // another camera, or its first picture
    for (const camera of facts.cameras) {
      const article = document.getElementById(camera.name);
      if (article !== null && article.dataset.time && camera.time !== null) renew(article, camera);
    }
  }

  async function ask() {
    if (asking) return;
    asking = true;
    clearTimeout(timer);
    try {
      const answer = await fetch("livecam.json", { cache: "no-store" });
      if (!answer.ok) throw new Error(answer.statusText);
      const date = Date.parse(answer.headers.get("Date"));
      if (date) {
        const off = (Date.now() - date) / 1000;
        [skew, known] = [Math.abs(off) > TOLERANCE ? off : 0, true];
      }
      take(await answer.json());
      failures = 0;
    } catch {
      failures += 1;
    }
    asking = false;
    tell();
    plan();
  }

  function plan() {
    const due = [...document.querySelectorAll("article[data-next]")].map((one) => number(one, "next"));
    const wait = Math.min(...due.filter((one) => one !== null).map((one) => one + LAG - now()), LATEST);
    const least = wait < SOONEST ? 60 : SOONEST; // what is overdue comes when it comes
    timer = setTimeout(() => { if (!document.hidden) ask(); }, 1000 * Math.min(LATEST, Math.max(least, wait) * 2 ** failures));
  }

  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
  setInterval(tell, 15000);
  tell();
  ask();
})();
