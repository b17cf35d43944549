// Helps on the payer's pages. Everything works without it: the pages then look again by themselves
// and the payer goes back by the button.
"use strict";

(() => {
  const reload = () => window.location.reload();

  // A page brought back by the browser's "back" may be out of date.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) reload();
  });

  // Watch the payment; load the page again once it has changed.
  const stage = document.querySelector("[data-watch]");
  if (stage) {
    const shortest = 1000 * Number(stage.dataset.seconds);
    let pause = shortest;
    const look = async () => {
      try {
        const reply = await fetch(stage.dataset.watch, { cache: "no-store" });
        if (reply.ok) {
          const { fingerprint } = await reply.json();
          if (fingerprint !== stage.dataset.fingerprint) return reload();
          pause = Math.min(pause * 1.1, 10 * shortest);
        }
      } catch {
        pause = Math.min(pause * 2, 10 * shortest); // offline: try again later
      }
      setTimeout(look, pause);
    };
    setTimeout(look, pause);
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) pause = shortest;
    });
  }

  // One click is enough; after a while, in which the browser should have left, another one counts.
  for (const form of document.forms) {
    const button = form.querySelector("button");
    let pressed = false;
    form.addEventListener("submit", (event) => {
      if (pressed) return event.preventDefault();
      pressed = true;
      button.setAttribute("aria-disabled", "true");
      setTimeout(() => {
        pressed = false;
        button.removeAttribute("aria-disabled");
      }, 8000);
    });
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
