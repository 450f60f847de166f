// Signs in with the link's secret, loads the view of this page, and shows when it cannot.
"use strict";
(() => {
  const KEY = "bearer";
  // The fragment is removed before anything else can read or send it.
  const token = /^#([0-9a-f]{64})$/.exec(location.hash)?.[1];
  if (token) {
    history.replaceState(null, "", location.pathname + location.search);
  }

  const show = (id, isShown) => {
    const element = document.getElementById(id);
    if (element) {
      element.hidden = !isShown;
    }
  };

  const signIn = async () => {
    const answer = await fetch("/session", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token }),
    });
    if (answer.ok) {
      // Of this tab only, and gone with it.
      sessionStorage.setItem(KEY, (await answer.json()).bearer);
    }
  };

  const signOut = () => {
    sessionStorage.removeItem(KEY);
    // A signed-out page shows nothing that may be outdated; the frame has the text.
    location.reload();
  };

  document.addEventListener("htmx:config:request", ({ detail }) => {
    detail.ctx.request.headers.Authorization = `Bearer ${sessionStorage.getItem(KEY)}`;
  });
  document.addEventListener("htmx:before:request", ({ detail: { ctx: { request } } }) => {
    if (request.method === "POST") {
      // The program takes nothing that a form of another page could send.
      request.headers["Content-Type"] = "application/json";
      request.body = JSON.stringify(Object.fromEntries(request.body));
      // In the mode of htmx the header Origin would be null, since the page sends no referrer. The policy allows this origin only.
      request.mode = "cors";
    }
  });
  document.addEventListener("htmx:after:request", ({ detail }) => {
    const { response, hx } = detail.ctx;
    show("offline", false);
    if (response.status === 401) {
      signOut();
    } else if (response.status < 300 && hx.replaceurl) {
      history.replaceState(null, "", hx.replaceurl);
    }
  });
  document.addEventListener("htmx:sse:error", ({ detail }) => {
    if (detail.status === 401) {
      signOut();
    } else {
      show("offline", true);
    }
  });
  document.addEventListener("htmx:error", () => show("offline", true));
  document.addEventListener("htmx:sse:after:connection", () => show("offline", false));
  document.addEventListener("click", async ({ target }) => {
    const button = target.closest("[data-copy]");
    if (button) {
      await navigator.clipboard.writeText(button.previousElementSibling.textContent);
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = "Copy"), 2000);
    }
  });
  // A link that is pasted into a tab of this page changes its fragment only.
  addEventListener("hashchange", () => location.reload());

  document.addEventListener("DOMContentLoaded", async () => {
    const path = location.pathname === "/" ? "/list" : location.pathname;
    document.querySelector(`nav a[href="${CSS.escape(path)}"]`)?.setAttribute("aria-current", "page");
    if (token) {
      await signIn();
    }
    if (sessionStorage.getItem(KEY)) {
      htmx.ajax("GET", `/views${path}${location.search}`, { target: "#view", swap: "innerHTML" });
    } else {
      show("locked", true);
    }
  });
})();
