// What makes the panel quicker; every page works without it.
"use strict";

(() => {
    // Parts of pages are HTML that this panel's own templates escaped.
    const trusted = window.trustedTypes
        ? window.trustedTypes.createPolicy("datamp-fragment", { createHTML: (html) => html })
        : { createHTML: (html) => html };

    document.documentElement.classList.add("js");

    const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));

    // Copy buttons.

    const showCopyButtons = (root) => {
        if (navigator.clipboard) {
            for (const button of all("[data-copy]", root)) button.hidden = false;
        }
    };

    document.addEventListener("click", async (event) => {
        const button = event.target.closest("[data-copy]");
        if (!button) return;
        await navigator.clipboard.writeText(button.dataset.copy);
        const label = button.getAttribute("aria-label");
        button.classList.add("done");
        button.setAttribute("aria-label", button.dataset.done);
        button.title = button.dataset.done;
        setTimeout(() => {
            button.classList.remove("done");
            button.setAttribute("aria-label", label);
            button.title = label;
        }, 1500);
    });

    // The reader's own time, on hovering: what is shown is UTC.

    const showLocalTimes = (root) => {
        const language = document.documentElement.lang;
        for (const time of all("time[datetime]", root)) {
            const at = new Date(time.dateTime);
            if (!Number.isNaN(at.getTime())) time.title = at.toLocaleString(language, { dateStyle: "medium", timeStyle: "long" });
        }
    };

    // Requests per second of each component, drawn from how the counts grew between two looks.

    const RATES = 40;
    const rates = new Map();
    const perSecond = new Intl.NumberFormat(document.documentElement.lang, { maximumSignificantDigits: 3 });

    const drawSparks = (root) => {
        const now = performance.now();
        for (const svg of all("[data-spark]", root)) {
            const count = Number(svg.dataset.count);
            const known = rates.get(svg.dataset.spark);
            const history = known ? known.history : [];
            if (known && count >= known.count && now > known.at + 500) {
                history.push((1000 * (count - known.count)) / (now - known.at));
                history.splice(0, history.length - RATES);
            }
            if (!known || now > known.at + 500) rates.set(svg.dataset.spark, { count, at: now, history });
            const top = Math.max(1, ...history);
            const points = history.map((rate, place) => `${((place * 96) / (RATES - 1)).toFixed(1)},${(22 - (20 * rate) / top).toFixed(1)}`);
            const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
            line.setAttribute("points", points.join(" "));
            svg.replaceChildren(line);
            const rate = history[history.length - 1];
            svg.previousElementSibling.textContent = rate === undefined ? "" : perSecond.format(rate);
        }
    };

    const enhance = (root) => {
        showCopyButtons(root);
        showLocalTimes(root);
        drawSparks(root);
    };

    // Parts that are looked at again and again while the page is in front.

    const live = document.querySelector("[data-live]");

    const setLive = (running) => {
        if (!live) return;
        const text = live.querySelector("[data-live-text]");
        live.hidden = false;
        live.classList.toggle("paused", !running);
        text.textContent = running ? text.dataset.text : text.dataset.paused;
    };

    const replace = (part, html) => {
        if (part.lastHtml === html) {
            drawSparks(part);
            return;
        }
        part.lastHtml = html;
        // Whoever is on a link of the part stays on it.
        const focused = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
        part.innerHTML = trusted.createHTML(html);
        enhance(part);
        const again = focused && all("a[href]", part).find((link) => link.getAttribute("href") === focused);
        if (again) again.focus({ preventScroll: true });
    };

    const say = (part, text, action) => {
        const message = document.createElement("p");
        message.className = "notice warn";
        message.setAttribute("role", "status");
        message.append(`${text} `);
        if (action) message.append(action);
        part.lastHtml = null;
        part.replaceChildren(message);
    };

    const follow = (part) => {
        const every = 1000 * Number(part.dataset.every);
        let timer;
        let ended = false;

        const again = () => {
            clearTimeout(timer);
            if (!ended && !document.hidden) timer = setTimeout(look, every);
        };

        const look = async () => {
            try {
                const answer = await fetch(part.dataset.refresh, { headers: { accept: "text/html" }, redirect: "error" });
                if (answer.status === 401) {
                    ended = true;
                    setLive(false);
                    if (part.dataset.signedOut) {
                        const link = document.createElement("a");
                        link.href = "/admin/login";
                        link.textContent = part.dataset.signIn;
                        say(part, part.dataset.signedOut, link);
                    }
                } else if (answer.ok) {
                    replace(part, await answer.text());
                    if (!part.dataset.failed) setLive(true);
                } else {
                    failed();
                }
            } catch {
                failed();
            }
            again();
        };

        const failed = () => {
            if (!part.dataset.failed) {
                setLive(false);
                return;
            }
            const retry = document.createElement("button");
            retry.type = "button";
            retry.className = "link";
            retry.textContent = part.dataset.retry;
            retry.addEventListener("click", look);
            say(part, part.dataset.failed, retry);
        };

        document.addEventListener("visibilitychange", () => {
            if (document.hidden) {
                clearTimeout(timer);
            } else if (!ended) {
                look();
            }
        });
        if ("first" in part.dataset) look();
        else again();
    };

    // The numbers beside entries of the navigation. One that can't be had is not shown.

    const badges = all("[data-badge]");

    const showBadges = async () => {
        const path = badges[0].dataset.badge;
        const answer = await fetch(path, { headers: { accept: "text/plain" }, redirect: "error" }).catch(() => null);
        const count = answer && answer.ok ? Number(await answer.text()) : 0;
        for (const badge of badges) {
            badge.hidden = !(count > 0);
            badge.querySelector("[data-badge-number]").textContent = String(count);
        }
        return !answer || answer.status !== 401;
    };

    const followBadges = async () => {
        const goesOn = document.hidden || (await showBadges());
        if (goesOn) setTimeout(followBadges, 30_000);
    };

    if (badges.length > 0) followBadges();

    // A form is sent once, however often it is clicked.

    document.addEventListener("submit", (event) => {
        const form = event.target;
        if (!("once" in form.dataset)) return;
        if (form.dataset.once === "sent") {
            event.preventDefault();
            return;
        }
        form.dataset.once = "sent";
        for (const button of all("button", form)) button.setAttribute("aria-busy", "true");
    });
    // Coming back to the page makes its forms new.
    window.addEventListener("pageshow", () => {
        for (const form of all("form[data-once]")) {
            form.dataset.once = "";
            for (const button of all("button", form)) button.removeAttribute("aria-busy");
        }
    });

    // A command goes on step by step until it ends or is stopped. Without scripts, the button does each step.

    const ATTEMPTS = 8;
    const LINES = 1_000_000;

    const runOn = async (run, lines, stop, lost) => {
        let stopped = false;
        let wake = () => {};
        stop.addEventListener("click", () => {
            stopped = true;
            stop.setAttribute("aria-busy", "true");
            wake();
        });
        const pause = (milliseconds) =>
            new Promise((resolve) => {
                wake = resolve;
                setTimeout(resolve, milliseconds);
            });
        const hide = (isHidden) => {
            for (const form of all("[data-run-next]", run)) form.hidden = isHidden;
            // It stays where it is while the rest is replaced.
            stop.hidden = !isHidden;
        };

        /** Does a step: the status, and the page that came of it; 0 and none where nothing came. */
        const step = async (form) => {
            const body = new URLSearchParams(new FormData(form));
            const options = { method: "POST", body, headers: { accept: "text/html" }, redirect: "error" };
            try {
                const answer = await fetch(form.action, options);
                const html = trusted.createHTML(await answer.text());
                return [answer.status, new DOMParser().parseFromString(html, "text/html")];
            } catch {
                return [0, document.createDocumentFragment()];
            }
        };

        let attempt = 0;
        while (!stopped && run.querySelector("[data-run-next]")) {
            hide(true);
            const [status, page] = await step(run.querySelector("[data-run-next]"));
            const [next, told, other] = ["[data-run]", "[data-run-lines]", "main"].map((part) => page.querySelector(part));
            if (next && told) {
                run.replaceChildren(...next.childNodes);
                hide(true);
                lines.textContent = (lines.textContent + told.textContent).slice(-LINES);
                lines.scrollTop = lines.scrollHeight;
            } else if (other && status < 500) {
                // A refusal says why by itself. Nothing is asked for again: it was answered.
                document.querySelector("main").replaceChildren(...other.childNodes);
                return;
            }
            attempt = status === 200 ? 0 : attempt + 1;
            // What broke the component would break it again; what is busy or away may be back.
            lost.hidden = Boolean(next) || attempt === 0;
            if ((next && status === 502) || attempt === ATTEMPTS) break;
            if (attempt > 0) await pause(100 * 2 ** attempt);
        }
        hide(false);
    };

    for (const run of all("[data-run]")) {
        runOn(run, ...["lines", "stop", "lost"].map((part) => document.querySelector(`[data-run-${part}]`)));
    }

    // The menu of narrow screens closes by itself.

    const menu = document.querySelector(".menu");
    if (menu) {
        document.addEventListener("click", (event) => {
            if (menu.open && !menu.contains(event.target)) menu.open = false;
        });
    }

    // Keys. By their places on the keyboard, so that they work on a Russian layout.

    const shortcuts = document.getElementById("shortcuts");
    for (const button of all("[data-shortcuts]")) {
        button.hidden = !shortcuts;
        button.addEventListener("click", () => shortcuts.showModal());
    }

    const moveRow = (step) => {
        const links = all("main .row-link").filter((link) => link.offsetParent !== null);
        const here = links.indexOf(document.activeElement);
        const next = here === -1 ? (step > 0 ? 0 : links.length - 1) : here + step;
        if (links[next]) links[next].focus();
    };

    let leader = -Infinity;

    document.addEventListener("keydown", (event) => {
        if (event.key === "Escape" && menu && menu.open) {
            menu.open = false;
            menu.querySelector("summary").focus();
            return;
        }
        if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, textarea, select, dialog")) return;
        if (event.timeStamp - leader < 1500) {
            leader = -Infinity;
            const link = document.querySelector(`[data-go="${CSS.escape(event.code)}"]`);
            if (link) {
                event.preventDefault();
                link.click();
            }
            return;
        }
        const search = document.querySelector("[data-search]");
        if (event.key === "?" || (event.code === "Slash" && event.shiftKey)) {
            if (!shortcuts) return;
            event.preventDefault();
            shortcuts.showModal();
        } else if (event.key === "/" || event.code === "Slash") {
            if (!search) return;
            event.preventDefault();
            search.focus();
            search.select();
        } else if (event.code === "KeyG") {
            leader = event.timeStamp;
        } else if (event.code === "KeyJ") {
            moveRow(1);
        } else if (event.code === "KeyK") {
            moveRow(-1);
        }
    });

    enhance(document);
    if (live) setLive(true);
    for (const part of all("[data-refresh]")) follow(part);
})();
