// Helps on the payer's pages. Everything works without it: the pages then look again by themselves
// and the payer goes back by the button.
"use strict";

(() => {
  const reload = () => window.location.reload();

  // A page brought back by the browser's "back" may be out of date.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) reload();
  });

  // Watch the payment; load the page again, or the one that comes next, once it has changed.
  const stage = document.querySelector("[data-watch]");
  if (stage) {
    const shortest = 1000 * Number(stage.dataset.seconds);
    let pause = shortest;
    let timer = 0;
    const look = async () => {
      clearTimeout(timer);
      try {
        const reply = await fetch(stage.dataset.watch, { cache: "no-store" });
        if (reply.ok) {
          const { fingerprint } = await reply.json();
          if (fingerprint !== stage.dataset.fingerprint) {
            if (stage.dataset.next) return window.location.replace(stage.dataset.next);
            return reload();
          }
          pause = Math.min(pause * 1.1, 5 * shortest);
        }
      } catch {
        pause = Math.min(pause * 2, 5 * shortest); // offline: try again later
      }
      clearTimeout(timer);
      timer = setTimeout(look, pause);
    };
    timer = setTimeout(look, pause);
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) return;
      pause = shortest;
      look(); // back from the bank's app
    });
  }

  // One click is enough; after a while, in which the browser should have left, another one counts.
  for (const form of document.forms) {
    let pressed = false;
    form.addEventListener("submit", (event) => {
      if (pressed) return event.preventDefault();
      pressed = true;
      const button = event.submitter ?? form.querySelector("button");
      button?.setAttribute("aria-disabled", "true");
      setTimeout(() => {
        pressed = false;
        button?.removeAttribute("aria-disabled");
      }, 8000);
    });
  }

  // The code, copied by one press.
  const copy = document.querySelector("[data-copy]");
  if (copy) {
    const code = document.getElementById(copy.dataset.copy);
    const said = document.querySelector("[data-copied]");
    copy.hidden = false;
    code.addEventListener("focus", () => code.select());
    copy.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(code.value);
      } catch {
        code.select(); // an old browser, or not by https
        if (!document.execCommand("copy")) return;
      }
      said.textContent = "";
      said.textContent = said.dataset.copied;
    });
  }

  // The time that is left, by the second; when it is over the server knows more.
  const left = document.querySelector("[data-left]");
  if (left) {
    const ends = Date.now() + 1000 * Number(left.dataset.left);
    const two = (number) => String(number).padStart(2, "0");
    const tick = setInterval(() => {
      const seconds = Math.max(0, Math.round((ends - Date.now()) / 1000));
      const minutes = Math.floor(seconds / 60);
      left.textContent = `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
      if (seconds > 0) return;
      clearInterval(tick);
      setTimeout(reload, 1000);
    }, 1000);
  }

  // The way back to the merchant, unless the payer stays.
  const countdown = document.querySelector(".countdown");
  if (countdown) {
    const counter = countdown.querySelector("[data-countdown]");
    let seconds = Number(counter.dataset.countdown);
    const timer = setInterval(() => {
      seconds -= 1;
      counter.textContent = String(seconds);
      if (seconds <= 0) {
        clearInterval(timer);
        window.location.assign(countdown.dataset.url);
      }
    }, 1000);
    countdown.querySelector("[data-stay]").addEventListener("click", () => {
      clearInterval(timer);
      countdown.hidden = true;
    });
    countdown.hidden = false;
  }

  // The receipt on paper.
  const print = document.querySelector("[data-print]");
  if (print) {
    print.hidden = false;
    print.addEventListener("click", () => window.print());
  }
})();
